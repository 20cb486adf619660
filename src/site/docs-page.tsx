/** @jsxRuntime automatic @jsxImportSource hono/jsx */

import { raw } from 'hono/html';
import { marked } from 'marked';
import type { oas31 } from 'zod-openapi';
import { PROBLEM_MEDIA_TYPE } from '../api/problems';
import { resolve } from './resolve';

type Document = oas31.OpenAPIObject;
type SchemaOrReference = oas31.SchemaObject | oas31.ReferenceObject;

const JSON_TYPE = 'application/json';

/** The host of `npm run worker:dev`. The script of the page replaces it by the host of the service. */
const HOST = 'localhost:8787';

/**
 * The page at /docs, made from the OpenAPI document. It has about 41 KB. Viewers of OpenAPI documents have 0.75 to 3.6 MB. The `type`
 * of a problem, `/docs#<code>`, is the address of its entry here.
 */
export function docsPage(document: Document): string {
  const { title, description } = document.info;
  const operations = operationsOf(document);
  const problems = allProblemsOf(document);
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`API of ${title}`}</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="stylesheet" href="/docs.css" />
        <script type="module" src="/docs.js" />
      </head>
      <body>
        <nav aria-label="On this page">
          {operations.map(({ id, method, path }) => (
            <a href={`#${id}`}>
              <b>{method}</b> {path}
            </a>
          ))}
          <a href="#problems">Problems</a>
          <a href="/openapi.json">openapi.json</a>
        </nav>
        <main>
          <h1>{title}</h1>
          <Prose text={description} />
          {operations.map((operation) => (
            <OperationSection document={document} {...operation} />
          ))}
          <h2 id="problems">Problems</h2>
          {problems.map(({ code, problem, headers }) => (
            <section id={code}>
              <h3>
                <b>{problem.status}</b> {problem.title}
              </h3>
              {headers.length > 0 && (
                <p>
                  With the header <code>{headers.join(', ')}</code>.
                </p>
              )}
              <Json value={problem} />
            </section>
          ))}
        </main>
      </body>
    </html>
  );
  return `<!doctype html>\n${page}\n`;
}

interface Operation {
  readonly id: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly operation: oas31.OperationObject;
}

function operationsOf({ paths = {} }: Document): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    (['get', 'post'] as const).flatMap((method) => {
      const operation = item[method];
      const id = operation?.operationId;
      return operation === undefined ? [] : [{ id, method: method.toUpperCase(), path, operation }];
    }),
  );
}

/** The problems of all responses. A problem of several responses is in the list once. */
function allProblemsOf(document: Document) {
  const problems = Object.values(document.components?.responses ?? {}).flatMap((response) =>
    problemsOf(document, resolve(document, response)),
  );
  return problems.filter(({ code }, index) => problems.findIndex((other) => other.code === code) === index);
}

/** The problems in the examples of a response, with its required headers. */
function problemsOf(document: Document, { headers = {}, content = {} }: oas31.ResponseObject) {
  const required = Object.entries(headers).filter(([, header]) => resolve(document, header).required);
  return Object.entries(content[PROBLEM_MEDIA_TYPE]?.examples ?? {}).map(([code, example]) => ({
    code,
    problem: resolve(document, example).value,
    headers: required.map(([name]) => name),
  }));
}

function OperationSection({ document, id, method, path, operation }: Operation & { document: Document }) {
  const { summary, description, parameters = [], requestBody, responses = {} } = operation;
  const body = requestBody && resolve(document, requestBody).content[JSON_TYPE];
  const answers = Object.entries(responses).map(([status, answer]) => ({
    status,
    response: resolve<oas31.ResponseObject>(document, answer),
  }));
  const success = answers.map(({ response }) => response.content?.[JSON_TYPE]).find((content) => content);
  const data = body && ` --json '${JSON.stringify(body.example)}'`;
  const resolved = parameters.map((parameter) => resolve<oas31.ParameterObject>(document, parameter));
  const address = `${HOST}${exampleOf(path, resolved)}`;
  const command =
    '101' in responses
      ? `new WebSocket('ws://${address}').onmessage = ({ data }) => console.log(data)`
      : // Without quotes, zsh expands a question mark.
        `curl ${address.includes('?') ? `'http://${address}'` : `http://${address}`}${data ?? ''}`;
  return (
    <section id={id}>
      <h2>
        <b>{method}</b> {path}
      </h2>
      <p class="summary">{summary}.</p>
      <pre class="command">
        <code>{command}</code>
      </pre>
      {success && <Json value={success.example} />}
      <Prose text={description} />
      {resolved.length > 0 && <Parameters document={document} parameters={resolved} />}
      {body && <Members title="The body" document={document} schema={body.schema} />}
      {success && <Members title="The answer" document={document} schema={success.schema} />}
      <table>
        <caption>Statuses</caption>
        <tbody>
          {answers.map(({ status, response }) => {
            const links = problemsOf(document, response).map(({ code, problem }) => (
              <a href={`#${code}`}>{problem.title}</a>
            ));
            return (
              <tr>
                <th scope="row">{status}</th>
                <td>{links.length > 0 ? links : response.description}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** The path with the examples of its parameters, and the query. */
function exampleOf(path: string, parameters: readonly oas31.ParameterObject[]): string {
  const examples = parameters.map(({ name, in: place, schema = {} }) => ({
    name,
    place,
    example: 'example' in schema ? String(schema.example) : name,
  }));
  const query = examples
    .filter(({ place }) => place === 'query')
    .map(({ name, example }) => encodeURI(`${name}=${example}`));
  return [
    examples.reduce((filled, { name, example }) => filled.replace(`{${name}}`, example), path),
    ...(query.length > 0 ? [query.join('&')] : []),
  ].join('?');
}

function Parameters({
  document,
  parameters,
}: {
  document: Document;
  parameters: readonly oas31.ParameterObject[];
}) {
  const rows = parameters.map(({ name, schema = {}, description }) => ({ name, schema, description }));
  return <Rows title="The address" document={document} rows={rows} />;
}

/** The members of an object: name, type, meaning. */
function Members({
  title,
  document,
  schema,
}: {
  title: string;
  document: Document;
  schema: SchemaOrReference | undefined;
}) {
  const { properties = {} } = schema === undefined ? {} : resolve(document, schema);
  const rows = Object.entries(properties).map(([name, property]) => {
    const member = resolve(document, property);
    return { name, schema: member, description: member.description };
  });
  return <Rows title={title} document={document} rows={rows} />;
}

interface Row {
  readonly name: string;
  readonly schema: SchemaOrReference;
  readonly description: string | undefined;
}

function Rows({ title, document, rows }: { title: string; document: Document; rows: readonly Row[] }) {
  return (
    <table>
      <caption>{title}</caption>
      <tbody>
        {rows.map(({ name, schema, description }) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{typeOf(document, schema)}</td>
            <td>{description && <Prose text={description} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function typeOf(document: Document, schema: SchemaOrReference): string {
  const { type, format, enum: values, const: only, anyOf, properties } = resolve(document, schema);
  if (values !== undefined) return values.join(', ');
  if (only !== undefined) return String(only);
  if (properties !== undefined) return `{ ${Object.keys(properties).join(', ')} }`;
  return anyOf?.map((schema) => typeOf(document, schema)).join(' or ') ?? format ?? String(type);
}

/** Renders CommonMark without escaping. The text is from this project, so it is trusted. */
function Prose({ text = '' }: { text: string | undefined }) {
  return <div>{raw(marked.parse(text, { async: false }))}</div>;
}

function Json({ value }: { value: unknown }) {
  return (
    <pre>
      <code>{JSON.stringify(value)}</code>
    </pre>
  );
}
