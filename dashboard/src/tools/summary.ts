// A step in a line, for a list in which it is closed.

import { isAnyValue, rowsOf, textOf } from "./codecs";
import type { Step } from "./draft";

const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

export function summaryOf({ kind, values, then, otherwise }: Step): string {
  const text = (name: string) => textOf(values[name]).replaceAll(/\s+/g, " ");
  const any = (name: string) => {
    const value = values[name];
    return isAnyValue(value) ? value.text.replaceAll(/\s+/g, " ") : "";
  };
  switch (kind) {
    case "apiCall":
      return `${text("method")} ${text("endpoint")}${text("url")}`;
    case "mcpCall":
      return [text("server"), text("tool")].filter(Boolean).join(": ");
    case "contextSet":
      return `${text("path")} = ${any("value")}`;
    case "contextGet":
    case "contextDelete":
      return text("path");
    case "flagSet":
    case "flagClear":
      return text("flag") && `flags.${text("flag")}`;
    case "transform":
      return `${text("path")} = ${text("operation")} ${any("operand")}`;
    case "validate":
      return plural(rowsOf(values.rules).length, "rule", "rules");
    case "conditional":
      return `${text("condition")} ? ${plural(then.length, "step", "steps")} : ${plural(otherwise.length, "step", "steps")}`;
    case "respond":
      return text("message");
    case "handoff":
      return text("node");
    case "transferCall":
      return text("number");
    case "collectDigits":
      return text("name") && `digits.${text("name")}`;
    case "sendDtmf":
      return text("digits");
    case "endCall":
      return "";
  }
}
