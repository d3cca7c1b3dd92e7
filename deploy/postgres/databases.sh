#!/bin/sh
# Run once, by the image, on an empty volume: a role and its databases for the ledger, another for
# MLflow. psql reads the passwords from the environment, so that no list of processes shows them.
set -eu
psql --set=ON_ERROR_STOP=1 --quiet --no-psqlrc --username=postgres --dbname=postgres <<'SQL'
\getenv ledger_password LEDGER_PASSWORD
\getenv mlflow_password MLFLOW_DB_PASSWORD
CREATE ROLE ledger LOGIN PASSWORD :'ledger_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE ledger OWNER ledger TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE mlflow OWNER mlflow TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE mlflow_users OWNER mlflow TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE ledger, mlflow, mlflow_users, postgres FROM PUBLIC;
SQL
