// What is typed into a form, as values of the API, and back.

import { durationOf, secondsOf } from "./format";
import { InvalidField, isSame } from "./use-form";

export const orNone = (text: string): string | null => text.trim() || null;

export function numberOf(field: string, text: string): number | null {
  if (!text.trim()) return null;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new InvalidField(field, "This is not a number.");
  return value;
}

export function wholeNumberOf(field: string, text: string): number | null {
  const value = numberOf(field, text);
  if (value !== null && !Number.isInteger(value)) throw new InvalidField(field, "This is not a whole number.");
  return value;
}

const AMOUNT = /^\d+(\.\d{1,9})?$/;

/** An amount in dollars, which the API takes as a text so that it stays exact. */
export function amountOf(field: string, text: string): string | null {
  const amount = orNone(text);
  if (amount !== null && !AMOUNT.test(amount)) throw new InvalidField(field, "This is not an amount in dollars, such as 0.45.");
  return amount;
}

const UNITS = { seconds: 1, minutes: 60 };
export type Unit = keyof typeof UNITS;

export function durationIn(field: string, text: string, unit: Unit): string | null {
  const value = numberOf(field, text);
  if (value !== null && value < 0) throw new InvalidField(field, "This must not be negative.");
  return value === null ? null : durationOf(Number((value * UNITS[unit]).toFixed(3)));
}

export const textOf = (value: string | number | null): string => (value === null ? "" : String(value));
export const textIn = (duration: string | null, unit: Unit): string => (duration === null ? "" : String(secondsOf(duration) / UNITS[unit]));

/** The values of `now` that differ from those of `before`, so that a change by another person of the rest is kept. */
export function changesOf<Values extends object>(now: Values, before: Values): Partial<Values> {
  const changes: Partial<Values> = {};
  for (const name of Object.keys(now) as (keyof Values)[]) if (!isSame(now[name], before[name])) changes[name] = now[name];
  return changes;
}

export const listText = (items: readonly string[]): string => items.join(", ");
