"""The published experiments again: grids, trainings with several seeds, and a report.

Offers:
    reproduce (reproduce): does the experiments of a plan, or goes on with them.
    ReproductionPlan (plan): which experiments, with which seeds, and where.
    load_catalogue (catalogue): what was published, and what was chosen where that is open.
    Outcomes (outcomes): all that came out.
    rows_of, HEADER (table): the table of published and own numbers.
    check_claims (claims): what the publication observed, and whether it is so again.
"""
