/* The page at /graphiql: GraphiQL over this server's own /graphql, with a slot for a token. */
"use strict";

const welcome = `# Kia ora! One student's dashboard.
#
# 1. Get a token, in a terminal:
#    .venv/bin/poutama token \\
#      student-0001@demo.example
# 2. Put it after "Bearer", under
#    Headers below.
# 3. Press Ctrl-Enter.

query Dashboard {
  me {
    name
  }
  goals {
    id
    goalType
    title
    complete
    dueAt
    tasks {
      id
      information
      complete
    }
    notes {
      id
      information
    }
  }
}
`;

const tokenSlot = JSON.stringify({ Authorization: "Bearer " }, null, 2);

const { buildClientSchema, getIntrospectionQuery } = GraphiQL.GraphQL;
const fetchGraphQL = GraphiQL.createFetcher({ url: "/graphql", enableIncrementalDelivery: false });
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
let schemaIsKnown = false;

function hasToken(headers) {
  return Object.entries(headers ?? {}).some(
    ([name, value]) =>
      name.toLowerCase() === "authorization" && /^\s*Bearer\s+\S/i.test(String(value)),
  );
}

/** Ask for the schema with the first token that there is: without one, nothing is answered. */
async function showSchema(headers) {
  if (schemaIsKnown || !hasToken(headers)) return;
  const answer = await fetchGraphQL({ query: getIntrospectionQuery() }, { headers });
  if (schemaIsKnown || !answer.data) return;
  schemaIsKnown = true;
  render(buildClientSchema(answer.data));
}

async function fetchWithSchema(parameters, options) {
  const answer = await fetchGraphQL(parameters, options);
  showSchema(options?.headers).catch(console.error);
  return answer;
}

function render(schema) {
  root.render(
    React.createElement(GraphiQL, {
      fetcher: fetchWithSchema,
      schema,
      defaultQuery: welcome,
      defaultHeaders: tokenSlot,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    }),
  );
}

// Null: there is none yet, and GraphiQL is not to ask for it by itself.
render(null);
