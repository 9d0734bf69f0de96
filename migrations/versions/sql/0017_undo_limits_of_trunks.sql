drop trigger if exists count_talk_of_trunk on call_log;

drop function if exists count_talk_of_trunk();

drop trigger if exists count_refusals_of_trunk on call_event;

drop function if exists count_refusals_of_trunk();
