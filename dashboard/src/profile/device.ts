const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;

const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;

const nameIn = (text: string, names: readonly (readonly [string, string])[]) => names.find(([part]) => text.includes(part))?.[1];

/** The browser and system that a `User-Agent` names, or the program itself. Programs choose it freely. */
export function deviceOf(userAgent: string | null): string {
  if (!userAgent) return "Unknown program";
  const browser = nameIn(userAgent, BROWSERS);
  const system = nameIn(userAgent, SYSTEMS);
  if (browser) return system ? `${browser} on ${system}` : browser;
  return userAgent.slice(0, 60);
}
