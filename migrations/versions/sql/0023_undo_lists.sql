drop function if exists waiting_calls(uuid);

drop function if exists worker_load(uuid);

drop function if exists draft_list_versions(uuid[]);

drop trigger if exists keep_ended_call on call_log;

drop function if exists keep_ended_call();

drop trigger if exists label_call_of_event on call_event;

drop function if exists label_call_of_event();

drop function if exists metadata_labels(jsonb);
