import { Link } from "@/ui/link";

interface Props {
  servers: readonly { readonly name: string; readonly url: string; readonly allow: readonly string[] }[];
  /** The name of the server that is shown. */
  current?: string | undefined;
  /** Whether the address of a server replaces the present one. */
  replace?: boolean;
}

/** Links to MCP servers and their tools. */
export const ServerLinks = ({ servers, current, replace = false }: Props) => (
  <ul className="grid gap-0.5">
    {servers.map(({ name, url, allow }) => (
      <li key={name}>
        <Link
          href={`/mcp/?server=${encodeURIComponent(name)}`}
          replace={replace}
          aria-current={name === current ? "page" : undefined}
          className={`block rounded-md px-2.5 py-2 text-sm ${name === current ? "bg-accent-soft" : "hover:bg-hover"}`}
        >
          <span className="block truncate font-mono text-[13px] font-medium">{name}</span>
          <span className="block truncate text-xs text-muted">{url}</span>
          <span className="block text-xs text-muted">{allow.length === 1 ? "1 tool is allowed" : `${allow.length} tools are allowed`}</span>
        </Link>
      </li>
    ))}
  </ul>
);
