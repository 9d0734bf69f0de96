import { exactMoment, moment } from "@/data/format";

export const Time = ({ at }: { at: string }) => (
  <time dateTime={at} title={exactMoment(at)} className="whitespace-nowrap tabular-nums">
    {moment(at)}
  </time>
);
