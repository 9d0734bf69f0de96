import NextLink from "next/link";
import type { ComponentProps } from "react";

/** A link to a page of the dashboard, which is loaded when the link is followed: the build leaves out the files that would
 *  be loaded ahead of it. */
export const Link = (props: Omit<ComponentProps<typeof NextLink>, "prefetch">) => <NextLink {...props} prefetch={false} />;
