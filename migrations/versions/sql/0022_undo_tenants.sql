drop trigger audit_operator on installation_operator;

drop function audit_operator();

drop function delete_audit_log(uuid, int);

drop function if exists list_deleted_tenants(text);

drop function if exists delete_tenant(text, uuid, int, text);

drop function if exists suspend_tenant(text, uuid, text);

drop function if exists update_tenant(text, uuid, text, text, jsonb);

drop function if exists create_tenant(text, uuid, text, text, jsonb);

drop function if exists list_tenants(text, uuid, text, text, text);

drop function if exists access_of_subject(uuid, text);

drop function if exists require_operator(text);
