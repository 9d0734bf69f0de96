drop function authenticate_api_key(bytea);
