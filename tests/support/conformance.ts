import { type Schema, Validator } from '@cfworker/json-schema';
import type { oas31 } from 'zod-openapi';
import { resolve } from '../../src/site/resolve';

/** A request and its answer. */
export interface Observation {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The request, if the service accepted it and the test has its text. */
  readonly request?: SentRequest | undefined;
}

/** The media type of a request, if it had one, and its text. */
export interface SentRequest {
  readonly type: string | undefined;
  readonly body: string;
}

type Response = oas31.ResponseObject;

/** The media type of an answer without a body. */
const NO_BODY = 'no body';

/** The paths that test Workers add. */
const FOR_TESTS = /^\/test\//;

/** For each status, the component that documents the answer of an undocumented path. */
const ON_ANY_PATH: Readonly<Record<number, string>> = {
  403: 'OriginNotAllowed',
  404: 'NotFound',
  500: 'InternalError',
};

/** The statuses for a method that a path does not have. The document lists them at its own method. */
const ON_ANY_METHOD: readonly number[] = [403, 405, 500];

/** An answer may have these headers only where they are documented. */
const DOCUMENTED_ONLY = ['accept-encoding', 'allow', 'presence-interval', 'presence-live', 'retry-after'];

/** Every answer has this header. A 500 may lack it, because a wrong setting leaves its value unknown. */
const ON_EVERY_ANSWER = 'presence-interval';

/** The service reads a body without a media type as this one. OpenAPI cannot express it. */
const UNTYPED = 'application/json';

/** An error of these keywords only announces the error after it. */
const WRAPPERS = ['$ref', 'properties'];

/**
 * Compares requests and answers with an OpenAPI document. Each answer and each accepted request must be documented.
 *
 * The document lets answers have new keys. Here answers are closed, otherwise an undocumented key would pass.
 */
export class Conformance {
  readonly #document: oas31.OpenAPIObject;
  /** The document with closed answers. */
  readonly #closed: oas31.OpenAPIObject;
  readonly #validators = new WeakMap<object, Validator>();

  constructor(document: oas31.OpenAPIObject) {
    // The validator writes into the schemas.
    this.#document = structuredClone(document);
    this.#closed = closed(document);
  }

  /** Returns the differences of a request and its answer from the document. */
  complaints(observation: Observation): readonly string[] {
    const { request } = observation;
    const path = this.#documentedPath(observation.path);
    const ofRequest = request === undefined ? [] : this.#wrongRequest(path, request);
    return [...missingHeader(observation), ...this.#wrongAnswer({ ...observation, path }), ...ofRequest];
  }

  /** The path of the document, with the names of parameters in braces. */
  #documentedPath(path: string): string {
    const documented = Object.keys(this.#document.paths ?? {});
    const matches = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
    return documented.find(matches) ?? path;
  }

  #wrongRequest(path: string, { type, body }: SentRequest): readonly string[] {
    const requestBody = this.#document.paths?.[path]?.post?.requestBody;
    const content = requestBody === undefined ? {} : resolve(this.#document, requestBody).content;
    // The platform joins two Content-Type headers with a comma.
    const types = (type ?? UNTYPED).split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map(essenceOf);
    return types.flatMap((one) => {
      const range = Object.keys(content).find((documented) => isWithin(one, documented));
      if (range === undefined) return [`a request of type ${one} is not documented`];
      return this.#wrongText(content[range]?.schema, body).map((what) => `of the request, ${what}`);
    });
  }

  /** Compares a text that holds JSON with the schema of that JSON. */
  #wrongText(schema: oas31.MediaTypeObject['schema'] = {}, body: string): readonly string[] {
    const { contentSchema = schema } = schema as { contentSchema?: typeof schema };
    // The service reads a body without its byte order mark.
    return this.#wrongJson(this.#document, contentSchema, body.replace(/^\uFEFF/, ''));
  }

  #wrongAnswer({ method, path, status, headers, body }: Observation): readonly string[] {
    if (FOR_TESTS.test(path)) return [];
    if (method === 'OPTIONS' && status === 204) return body === '' ? [] : ['a preflight has a body'];
    const response = this.#responseTo(method, path, status);
    if (response === undefined) return [`${status} is not documented`];
    const type = headers['content-type']?.split(';')[0] ?? NO_BODY;
    const wrong = [
      ...this.#wrongHeaders(response, headers),
      ...(isIn(response, type) ? [] : [`${type} is not documented`]),
    ];
    if (method === 'HEAD') return body === '' ? wrong : [...wrong, 'HEAD has a body'];
    return wrong.length === 0 ? this.#wrongBody(response, type, body) : wrong;
  }

  #responseTo(method: string, path: string, status: number): Response | undefined {
    const item = this.#closed.paths?.[path];
    if (item === undefined) {
      const response = this.#closed.components?.responses?.[ON_ANY_PATH[status] ?? ''];
      return response && resolve<Response>(this.#closed, response);
    }
    const methods = item.post === undefined ? ['GET', 'HEAD'] : ['POST'];
    const isPossible = methods.includes(method) ? status !== 405 : ON_ANY_METHOD.includes(status);
    const response = (item.post ?? item.get)?.responses?.[String(status) as '200'];
    return isPossible && response ? resolve<Response>(this.#closed, response) : undefined;
  }

  #wrongHeaders({ headers = {} }: Response, sent: Observation['headers']): readonly string[] {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const undocumented = DOCUMENTED_ONLY.filter((name) => name in sent && !names.includes(name));
    return [
      ...undocumented.map((name) => `the header ${name} is not documented`),
      ...Object.entries(headers).flatMap(([name, documented]) => {
        const { required, schema = {} } = resolve<oas31.HeaderObject>(this.#document, documented);
        const text = sent[name.toLowerCase()];
        if (text === undefined) return required ? [`the header ${name} is missing`] : [];
        const isNumber = 'type' in schema && (schema.type === 'integer' || schema.type === 'number');
        // Any other text stays a text, otherwise `NaN` passes as a number.
        const value = isNumber && /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : text;
        const isRight = this.#wrongValue(this.#document, schema, value).length === 0;
        return isRight ? [] : [`the header ${name} is ${text}`];
      }),
    ];
  }

  #wrongBody({ content = {} }: Response, type: string, body: string): readonly string[] {
    if (type === NO_BODY) return body === '' ? [] : ['it has a body'];
    return this.#wrongJson(this.#closed, content[type]?.schema, body);
  }

  #wrongJson(
    document: oas31.OpenAPIObject,
    schema: oas31.MediaTypeObject['schema'] = {},
    body: string,
  ): readonly string[] {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return ['the body is not JSON'];
    }
    return this.#wrongValue(document, schema, value);
  }

  #wrongValue({ components }: oas31.OpenAPIObject, schema: object, value: unknown): readonly string[] {
    let validator = this.#validators.get(schema);
    if (validator === undefined) {
      // The validator resolves references within one schema, so that schema must have the components.
      validator = new Validator({ ...schema, components } as Schema, '2020-12');
      this.#validators.set(schema, validator);
    }
    const errors = validator.validate(value).errors.filter(({ keyword }) => !WRAPPERS.includes(keyword));
    return errors.map(({ instanceLocation, error }) => `the body at ${instanceLocation}: ${error}`);
  }
}

function missingHeader({ path, status, headers }: Observation): readonly string[] {
  if (FOR_TESTS.test(path) || status === 500 || ON_EVERY_ANSWER in headers) return [];
  return [`the header ${ON_EVERY_ANSWER} is missing`];
}

/** Returns a copy in which objects have only the documented keys. */
function closed<Part>(part: Part): Part {
  if (Array.isArray(part)) return part.map(closed) as Part;
  if (typeof part !== 'object' || part === null) return part;
  const inner = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, closed(value)]));
  return { ...inner, ...('properties' in part && { additionalProperties: false }) } as Part;
}

/** The media type without its parameters. A type that is only parameters counts as none. */
const essenceOf = (type: string) => type.split(';')[0]?.trim().toLowerCase() || UNTYPED;

/** Whether a documented type or range includes this type. In a range, `*` matches any text. */
function isWithin(type: string, range: string): boolean {
  const [wanted = '', suffix] = range.split('*/*');
  return suffix === undefined ? type === wanted : /^[^/]+\/[^/]+$/.test(type) && type.endsWith(suffix);
}

const isIn = ({ content }: Response, type: string) =>
  content === undefined ? type === NO_BODY : type in content;
