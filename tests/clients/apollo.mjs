// Apollo Client against URL as the person of TOKEN: introspection, a query, pages, mutations,
// errors. Every step is an assertion; prints what it did as JSON.
// Usage: node apollo.mjs URL TOKEN
import assert from "node:assert/strict";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { buildClientSchema, getIntrospectionQuery, validate } from "graphql";

const [uri, token] = process.argv.slice(2);

function connect(authorization) {
  const headers = authorization ? { authorization } : {};
  return new ApolloClient({
    link: ApolloLink.from([new HttpLink({ uri, headers })]),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { goalsConnection: relayStylePagination() } } },
    }),
  });
}

const client = connect(`Bearer ${token}`);

const GOALS = gql`
  query Goals {
    goals(orderBy: [CREATED_AT_ASC]) {
      id
      title
      tasks {
        id
        information
      }
      notes {
        id
      }
    }
  }
`;

const PAGE = gql`
  query Page($first: Int!, $after: String) {
    goalsConnection(first: $first, after: $after, orderBy: [CREATED_AT_ASC]) {
      totalCount
      edges {
        cursor
        node {
          id
          title
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const CREATE = gql`
  mutation Create($input: CreateGoalInput!) {
    createGoal(input: $input) {
      goal {
        id
        title
        dueAt
        version
        tasks {
          id
          information
        }
      }
    }
  }
`;

const UPDATE = gql`
  mutation Update($input: UpdateGoalInput!) {
    updateGoal(input: $input) {
      goal {
        id
        title
        version
      }
    }
  }
`;

const DELETE = gql`
  mutation Delete($input: DeleteGoalInput!) {
    deleteGoal(input: $input) {
      deletedGoalId
    }
  }
`;

async function introspect() {
  const { data } = await client.query({ query: gql(getIntrospectionQuery()) });
  const schema = buildClientSchema(data);
  for (const document of [GOALS, PAGE, CREATE, UPDATE, DELETE]) {
    assert.deepEqual(validate(schema, document), []);
  }
  return Object.keys(schema.getTypeMap()).length;
}

async function readPages(goals) {
  const observed = client.watchQuery({ query: PAGE, variables: { first: 5 } });
  const first = await new Promise((resolve, reject) => {
    observed.subscribe({ next: (result) => result.loading || resolve(result), error: reject });
  });
  let page = first.data.goalsConnection;
  let fetched = 1;
  while (page.pageInfo.hasNextPage) {
    await observed.fetchMore({ variables: { after: page.pageInfo.endCursor } });
    // Apollo's own reading of what it has merged.
    page = client.readQuery({ query: PAGE, variables: { first: 5 } }).goalsConnection;
    fetched += 1;
    assert.equal(page.edges.length, Math.min(5 * fetched, goals.length));
  }
  assert.equal(page.totalCount, goals.length);
  assert.deepEqual(
    page.edges.map((edge) => edge.node.id),
    goals.map((goal) => goal.id),
  );
  return fetched;
}

async function change() {
  const input = {
    goalType: "CULTURAL",
    title: "Whaikōrero “ā ē ī” 🌿",
    dueAt: "2026-07-03T09:30:00+12:00",
    tasks: [{ information: "Listen" }, { information: "Speak" }],
  };
  const created = (await client.mutate({ mutation: CREATE, variables: { input } })).data.createGoal.goal;
  assert.equal(created.title, input.title);
  assert.equal(created.dueAt, "2026-07-02T21:30:00Z");
  assert.deepEqual(
    created.tasks.map((task) => task.information),
    ["Listen", "Speak"],
  );
  const goalId = created.id;
  const renamed = { goalId, title: "Karanga", expectedVersion: created.version };
  const updated = (await client.mutate({ mutation: UPDATE, variables: { input: renamed } })).data.updateGoal.goal;
  assert.equal(updated.title, "Karanga");
  // The cache has normalised both payloads into one object: ids and __typename are as it needs them.
  assert.equal(client.cache.extract()[`Goal:${goalId}`].title, "Karanga");
  await expectError("CONFLICT", client.mutate({ mutation: UPDATE, variables: { input: renamed } }));
  const gone = await client.mutate({ mutation: DELETE, variables: { input: { goalId } } });
  assert.equal(gone.data.deleteGoal.deletedGoalId, goalId);
  await expectError("NOT_FOUND", client.mutate({ mutation: DELETE, variables: { input: { goalId } } }));
}

async function expectError(code, promise) {
  const error = await promise.then(
    () => assert.fail(`expected ${code}`),
    (reason) => reason,
  );
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.equal(error.errors[0].extensions.code, code);
}

const types = await introspect();
const { goals } = (await client.query({ query: GOALS })).data;
const pages = await readPages(goals);
await change();
await expectError("GRAPHQL_VALIDATION_FAILED", client.query({ query: gql`{ nothing }` }));
await expectError("UNAUTHENTICATED", connect().query({ query: GOALS }));
await expectError("UNAUTHENTICATED", connect("Bearer nonsense").query({ query: GOALS }));
console.log(JSON.stringify({ types, goals: goals.length, pages }));
client.stop();
