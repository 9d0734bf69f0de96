import { Link } from "@/ui/link";
import { buttonClass } from "@/ui/button";
import { Empty } from "@/ui/states";

export default function NotFound() {
  return (
    <>
      <h1 className="sr-only">Page not found</h1>
      <Empty icon="search" title="There is no such page">
        <p>The address may be that of a page of another release.</p>
        <p className="mt-4">
          <Link href="/" className={buttonClass("primary")}>
            Go to the first page
          </Link>
        </p>
      </Empty>
    </>
  );
}
