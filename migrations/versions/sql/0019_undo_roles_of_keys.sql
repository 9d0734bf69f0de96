drop function look_up_api_key(bytea);
