import { Icon } from "./icons";

export interface Chip {
  readonly label: string;
  readonly without: URLSearchParams;
}

interface Props {
  chips: readonly Chip[];
  /** The query without any filter. */
  cleared: URLSearchParams;
  onGo(query: URLSearchParams): void;
}

/** What of a filter is set; each part can be removed. */
export function FilterChips({ chips, cleared, onGo }: Props) {
  if (!chips.length) return null;
  return (
    <ul aria-label="Active filters" className="flex flex-wrap items-center gap-1.5">
      {chips.map((chip) => (
        <li key={chip.label} className="min-w-0">
          <button
            type="button"
            aria-label={`Remove the filter ${chip.label}`}
            onClick={() => onGo(chip.without)}
            className="flex min-h-7 max-w-full items-center gap-1.5 rounded-full bg-accent-soft px-2.5 text-sm text-accent hover:brightness-95"
          >
            <span className="truncate">{chip.label}</span>
            <Icon name="close" width={13} height={13} />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="min-h-7 rounded px-2 text-sm text-muted underline" onClick={() => onGo(cleared)}>
          Clear all
        </button>
      </li>
    </ul>
  );
}
