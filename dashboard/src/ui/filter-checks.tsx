interface Props {
  title: string;
  name: string;
  query: URLSearchParams;
  options: Readonly<Record<string, string>>;
}

/** Values of a filter of which several can be chosen; the address holds them separated by commas. */
export function FilterChecks({ title, name, query, options }: Props) {
  const chosen = (query.get(name) ?? "").split(",");
  return (
    <fieldset>
      <legend className="mb-1.5 text-sm font-medium">{title}</legend>
      <div className="flex flex-wrap gap-1.5">
        {Object.entries(options).map(([value, label]) => (
          <label
            key={value}
            className="flex min-h-7 cursor-pointer items-center gap-1.5 rounded-full border border-line-strong/60 px-2.5 text-sm
              has-checked:border-accent has-checked:bg-accent-soft has-checked:text-accent has-focus-visible:outline-2
              has-focus-visible:outline-offset-2 has-focus-visible:outline-(--focus)"
          >
            <input type="checkbox" name={name} value={value} defaultChecked={chosen.includes(value)} className="accent-(--accent)" />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
