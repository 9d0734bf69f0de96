// The sections of the settings, each with an address and a form of its own.

export const SECTIONS = [
  { name: "defaults", title: "Defaults" },
  { name: "hours", title: "Calling hours" },
  { name: "budgets", title: "Budgets" },
  { name: "prices", title: "Prices" },
  { name: "values", title: "Values" },
  { name: "endpoints", title: "Endpoints" },
  { name: "mcp", title: "MCP servers" },
  { name: "texts", title: "Spoken texts" },
] as const;

export type SectionName = (typeof SECTIONS)[number]["name"];
