// How GraphiQL asks: it wants one function for queries, mutations and subscriptions.

import { getOperationAST } from "graphql";
import { connect, cursorOf, failure, post, reason } from "../shared/api.js";

const KEPT = 200; // events shown; older ones make room

export async function fetcher(request, { headers, documentAST } = {}) {
  const operation = documentAST && getOperationAST(documentAST, request.operationName);
  if (operation?.operation === "subscription") return follow(request, operation, headers);
  const result = await post(request, headers);
  // Without any `data` GraphiQL would ask a second time for a schema without subscriptions.
  return request.operationName === "IntrospectionQuery" ? { data: null, ...result } : result;
}

/** An observable of everything received so far, newest first: GraphiQL shows one value at a time. */
function follow(request, operation, own) {
  return {
    subscribe(sink) {
      const payload = { ...request, variables: { ...request.variables } };
      const resumes = operation.variableDefinitions?.some((v) => v.variable.name.value === "after");
      const newestFirst = [];
      let received = 0;
      let due;

      const client = connect(own, () => {
        if (received && !resumes) newestFirst.unshift("— reconnected: begins anew —");
      });
      const show = (more) => {
        clearTimeout(due);
        due = undefined;
        sink.next({ ...more, received, newestFirst });
      };
      const stop = client.subscribe(payload, {
        next(result) {
          received += 1;
          newestFirst.unshift(result);
          newestFirst.splice(KEPT);
          // The client sends this same payload again after a lost connection.
          const cursor = resumes && cursorOf(result.data);
          if (cursor) payload.variables.after = cursor;
          due ??= setTimeout(show, 40); // a replay may bring hundreds at once
        },
        error(cause) {
          show(Array.isArray(cause) ? { errors: cause } : failure(reason(cause)));
          sink.complete();
        },
        complete() {
          show();
          sink.complete();
        },
      });
      return {
        unsubscribe() {
          clearTimeout(due);
          stop();
        },
      };
    },
  };
}
