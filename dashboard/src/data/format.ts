// How numbers, times and durations are written.

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const FACTORS = [86_400, 3600, 60, 1];

/** A duration of the API, such as `PT2.5S`, in seconds. */
export function secondsOf(duration: string): number {
  const parts = DURATION.exec(duration)?.slice(1) ?? [];
  return parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (FACTORS[index] ?? 0), 0);
}

export const milliseconds = (duration: string): number => secondsOf(duration) * 1000;

/** A number of seconds as a duration of the API. */
export const durationOf = (seconds: number): string => `PT${seconds}S`;

/** The items of a list that is typed as one text. */
export const listOf = (text: string): string[] => text.split(/[,\s]+/).filter(Boolean);

export const orNull = <Value, Result>(value: Value | null | undefined, read: (value: Value) => Result): Result | null =>
  value === null || value === undefined ? null : read(value);

/** The length of a call: `0:07`, `12:30`, `1:02:03`. */
export function clock(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`);

/** Amounts of the API are strings; small ones need more digits to say anything. */
export function money(amount: string): string {
  const value = Number(amount);
  if (value === 0) return "$0.00";
  return value < 0.1 ? `$${value.toFixed(4)}` : `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A number that may have a fraction, of which large numbers show none. */
export const figure = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 2 : 0 });

export const count = (value: number): string => value.toLocaleString("en-US");

/** `1 change`, `3 changes`. */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const EXACT_TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 1 });

/** `14:03` for today, else `3 Nov, 14:03`, with the year if it is another one. */
export function moment(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return TIME.format(at);
  const day = at.getFullYear() === now.getFullYear() ? DAY : DAY_OF_YEAR;
  return `${day.format(at)}, ${TIME.format(at)}`;
}

export const exactMoment = (iso: string): string => `${DAY_OF_YEAR.format(new Date(iso))}, ${EXACT_TIME.format(new Date(iso))}`;
export const timeOfDay = (iso: string): string => EXACT_TIME.format(new Date(iso));

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** The same time of the clock on the day before, also if the clocks were changed between the two. */
export function dayBefore(time: Date): Date {
  const before = new Date(time);
  before.setDate(before.getDate() - 1);
  return before;
}

/** Midnight of a day counts as UTC, so that days of 23 and 25 hours count as one. */
const dayOf = (time: Date) => Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) / 86_400_000;

/** `5 minutes ago`, `in 7 days`. Days are those of the calendar: what was the day before is `yesterday`, once a day has passed. */
export function ago(iso: string, now = Date.now()): string {
  const passed = (Date.parse(iso) - now) / 1000;
  const days = dayOf(new Date(iso)) - dayOf(new Date(now));
  const [unit, length] = UNITS.find(([name, each]) => Math.abs(passed) >= each && (name !== "day" || days !== 0)) ?? ["second", 1];
  if (unit === "second") return passed < 0 ? "just now" : "within a minute";
  return RELATIVE.format(unit === "day" ? days : Math.round(passed / length), unit);
}
