"""Pictures of architectures: a network's layers as boxes, by visualkeras."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def draw_architecture(path: Path, model: keras.Model) -> None:
    """Write a PNG: one box for each layer, as high and as wide as its output, and a legend."""
    import keras
    import matplotlib
    import visualkeras
    from PIL import ImageFont

    font = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    twin = keras.models.clone_model(model)
    for layer in twin.layers:
        layer.output_shape = layer.output.shape  # visualkeras reads it, Keras 3 lacks it
    visualkeras.layered_view(
        twin,
        to_file=str(path),
        legend=True,
        legend_text_spacing_offset=0,  # visualkeras warns that its default is deprecated
        type_ignore=[keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Reshape],
        font=ImageFont.truetype(str(font), 13),
        scale_xy=6,
        scale_z=0.5,
        min_xy=12,
        max_xy=400,
        max_z=60,
        spacing=14,
    )
