#!/bin/sh
# Run once by the image of PostgreSQL on a new database: the role that owns the tables, and the one the program uses.
set -eu
# psql reads the passwords itself: as arguments they would stand in the list of processes
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v base="$POSTGRES_DB" <<'SQL'
\set owner `cat /run/secrets/owner_password`
\set program `cat /run/secrets/program_password`
CREATE ROLE lantai_owner LOGIN PASSWORD :'owner';
CREATE ROLE lantai_program LOGIN PASSWORD :'program';
ALTER DATABASE :"base" OWNER TO lantai_owner;
ALTER SCHEMA public OWNER TO lantai_owner;
REVOKE ALL ON DATABASE :"base" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"base" TO lantai_program;
SQL
