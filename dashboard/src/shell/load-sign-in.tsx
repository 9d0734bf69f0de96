import { Button } from "@/ui/button";
import { NOT_LOADED } from "@/ui/on-demand";
import { Notice } from "@/ui/states";

export const loadSignIn = () => import("./sign-in");

/** In place of the sign-in, for instance while the API is down. */
export function SignInNotLoaded() {
  return (
    <main className="grid min-h-dvh place-content-center gap-4 px-4">
      <Notice tone="bad">{NOT_LOADED}</Notice>
      <Button kind="primary" onClick={() => location.reload()}>
        Load the page again
      </Button>
    </main>
  );
}
