// The page: GraphiQL under a slim bar that holds the token.

import { useEffect, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import "./page.css";
import overview from "./overview.graphql";
import watchCall from "./watch-call.graphql";
import { localToken, onChange, pasted, session, signIn, signOut } from "../shared/session.js";
import { fetcher } from "./fetcher.js";

const FIRST_TABS = [
  { query: overview },
  { query: watchCall, variables: JSON.stringify({ callId: "" }, null, 2) },
];

const useSession = () => useSyncExternalStore(onChange, session);

function Page() {
  const { token } = useSession();
  // Another function for another token makes GraphiQL ask for the schema again.
  const [asked, setAsked] = useState({ token, fetcher });
  if (asked.token !== token) setAsked({ token, fetcher: (...request) => fetcher(...request) });
  return (
    <>
      <Bar />
      <GraphiQL
        fetcher={asked.fetcher}
        schema={token ? undefined : null} // null: none, and do not ask
        defaultTabs={FIRST_TABS}
        defaultEditorToolsVisibility="variables"
        shouldPersistHeaders={false}
      >
        <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

function Bar() {
  const { token, standing } = useSession();
  const [hasLocal, setHasLocal] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    localToken.offered("/graphiql").then(setHasLocal);
  }, []);

  const isOut = token === "" || standing === "REFUSED";
  const enter = (given) => {
    setProblem("");
    if (given) signIn(given);
    else signOut();
  };
  const useLocal = () =>
    localToken.fetch("/graphiql").then(enter, () =>
      setProblem("There is no local token any more: is the API still the same?"),
    );
  const submit = (event) => {
    event.preventDefault();
    enter(pasted(new FormData(event.currentTarget).get("token")));
  };

  return (
    <header className="bar">
      <strong>Agent Studio</strong>
      <form onSubmit={submit} key={token}>
        <input
          name="token"
          type="password"
          aria-label="Access token or API key"
          placeholder="Access token or API key"
          defaultValue={token}
          autoComplete="off"
          spellCheck={false}
        />
        {isOut && <button type="submit">Sign in</button>}
        {token && (
          <button type="button" onClick={() => enter("")}>
            Sign out
          </button>
        )}
        {isOut && hasLocal && (
          <button type="button" className="main" onClick={useLocal}>
            Use local token
          </button>
        )}
      </form>
      <output className={isOut ? "out" : "in"}>
        {problem || message(token, standing, hasLocal)}
      </output>
    </header>
  );
}

function message(token, standing, hasLocal) {
  const ways = hasLocal ? "Use the local token, or paste" : "Paste";
  if (!token) return `Not signed in. ${ways} an access token or an API key.`;
  if (standing === "REFUSED") return "The API refused this token: it is wrong or has expired.";
  return standing === "ACCEPTED" ? "Signed in." : "Not yet answered by the API.";
}

createRoot(document.getElementById("page")).render(<Page />);
