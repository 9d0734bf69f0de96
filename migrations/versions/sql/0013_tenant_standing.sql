-- What a tenant has used: the number of live calls, and the talk time and the cost of a calendar
-- month (UTC). The month includes the calls that ended in it and the live calls. A scheduled call is live
-- once it is due.
create or replace function tenant_standing(p_tenant uuid, p_at timestamptz default clock_timestamp())
returns table (live_calls bigint, talk_ms bigint, spent bigint, resets_at timestamptz)
language sql stable as $$
    select live.calls, live.talk_ms + coalesce(m.talk_ms, 0), live.spent + coalesce(m.spent, 0),
           (this.month + interval '1 month') at time zone 'UTC'
      from (select date_trunc('month', p_at at time zone 'UTC') as month) this
     cross join (
           select count(*) filter (where coalesce(l.due_at <= p_at, true)) as calls,
                  coalesce(sum(greatest(extract(epoch from p_at - l.answered_at), 0) * 1000), 0)
                      ::bigint as talk_ms,
                  coalesce(sum(l.spent), 0)::bigint as spent
             from call_log l where l.tenant_id = p_tenant and l.ended_at is null) live
      left join tenant_month m on m.tenant_id = p_tenant and m.month = this.month::date
$$;
