import { Link } from "./link";
import { Icon } from "./icons";

export const BackLink = ({ href, children }: { href: string; children: string }) => (
  <Link href={href} className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
    <Icon name="left" width={15} height={15} />
    {children}
  </Link>
);
