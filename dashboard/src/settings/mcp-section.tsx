import { ServerLinks } from "@/tools/server-links";
import { buttonClass } from "@/ui/button";
import { Link } from "@/ui/link";
import { Section } from "@/ui/section";
import type { SectionProps } from "./use-settings-form";

/** The servers of the settings; the page of MCP servers edits them, next to the tools that they offer. */
export const McpSection = ({ settings: { mcpServers } }: SectionProps) => (
  <Section
    title="MCP servers"
    text="Servers of the Model Context Protocol (streamable HTTP) whose tools agents can use. Only tools that are allowed may be called."
  >
    {mcpServers.length ? <ServerLinks servers={mcpServers} /> : <p className="text-sm text-muted">There are no MCP servers yet.</p>}
    <p>
      <Link href="/mcp/" className={buttonClass("secondary")}>
        Open the page of MCP servers
      </Link>
    </p>
  </Section>
);
