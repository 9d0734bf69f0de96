import type { CombinedError } from "urql";
import { problemOf } from "@/data/problem";
import { NoticeButton } from "./states";

interface Props {
  /** What cannot be offered, for instance `The workflows`. */
  what: string;
  error: CombinedError | undefined;
  onRetry(): void;
}

/** Stands where choices would be that could not be read; nothing without an error. */
export function NotRead({ what, error, onRetry }: Props) {
  if (!error) return null;
  const { title, text } = problemOf(error);
  return (
    <p role="alert" className="text-xs text-bad">
      {what} could not be read. {title}. {text}{" "}
      <NoticeButton onClick={onRetry}>Try again</NoticeButton>
    </p>
  );
}
