import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { oas31 } from 'zod-openapi';
import { PROBLEM_MEDIA_TYPE } from '../../src/api/problems';
import { resolve } from '../../src/site/resolve';
import type { Observation, SentRequest } from './observations';

type Response = oas31.ResponseObject;
type Content = oas31.ContentObject;

/** The media type of what has no body. */
const NO_BODY = 'no body';

/** What test Workers add. */
const FOR_TESTS = /^\/test\//;

/** What paths that are not documented may answer: names of components. */
const ON_ANY_PATH: Readonly<Record<number, string>> = {
  403: 'OriginNotAllowed',
  404: 'NotFound',
  500: 'InternalError',
};

/** What methods that a path does not have may answer. It is documented at the one that it has. */
const ON_ANY_METHOD: readonly number[] = [403, 405, 500];

/** Headers that say something about an answer, and so may come where they are documented only. */
const TELLING = ['accept-encoding', 'allow', 'presence-live', 'retry-after'];

/** What the document says of a body without a media type: it is read as this one. */
const UNTYPED = 'application/json';

/**
 * Compares requests and answers with an OpenAPI document. Each answer, and each request that got 200, must be documented;
 * and each that is documented should come. Answers are open to new keys in the document, and closed here, otherwise a key
 * that nobody documented would pass.
 */
export class Conformance {
  readonly #document: oas31.OpenAPIObject;
  /** The same with closed answers. */
  readonly #closed: oas31.OpenAPIObject;
  /** By path. */
  readonly #requests = new Map<string, Content>();
  /** The method that each path has. */
  readonly #methods = new Map<string, string>();
  /** By path and status. */
  readonly #responses = new Map<string, Response>();
  // OpenAPI adds keywords to JSON Schema. Formats are hints: what binds is the pattern beside them.
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #unobserved = new Set<string>();

  constructor(document: oas31.OpenAPIObject) {
    this.#document = document;
    this.#closed = closed(document);
    for (const [path, { get, post }] of Object.entries(this.#closed.paths ?? {})) {
      this.#methods.set(path, post === undefined ? 'GET' : 'POST');
      for (const [status, response] of Object.entries((post ?? get)?.responses ?? {}))
        this.#add(path, status, resolve<Response>(this.#closed, response));
    }
    for (const [path, { post }] of Object.entries(document.paths ?? {})) {
      const { requestBody } = post ?? {};
      if (requestBody !== undefined) this.#addRequest(path, resolve(document, requestBody).content);
    }
  }

  #addRequest(path: string, content: Content): void {
    this.#requests.set(path, content);
    for (const type of Object.keys(content)) this.#unobserved.add(`${path} request ${type}`);
  }

  #add(path: string, status: string, response: Response): void {
    this.#responses.set(`${path} ${status}`, response);
    for (const [type, { examples }] of Object.entries(response.content ?? { [NO_BODY]: {} })) {
      for (const kind of type === PROBLEM_MEDIA_TYPE ? Object.keys(examples ?? {}) : [type])
        this.#unobserved.add(`${path} ${status} ${kind}`);
    }
  }

  /**
   * Documented answers that none was like so far, as path, status and kind: the code of a problem, or the media type. And
   * documented requests, as path, `request` and media type.
   */
  get unobserved(): readonly string[] {
    return [...this.#unobserved];
  }

  /** What is wrong with a request and its answer; nothing, if both are as documented. */
  complaints(observation: Observation): readonly string[] {
    const { path, request } = observation;
    const ofRequest = request === undefined ? [] : this.#wrongRequest(path, request);
    return [...this.#wrongAnswer(observation), ...ofRequest];
  }

  #wrongRequest(path: string, { type, body }: SentRequest): readonly string[] {
    const content = this.#requests.get(path) ?? {};
    // Two headers with a type are joined with a comma.
    const types = (type ?? UNTYPED).split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map(essenceOf);
    return types.flatMap((one) => {
      const range = Object.keys(content).find((documented) => isWithin(one, documented));
      if (range === undefined) return [`a request of type ${one} is not documented`];
      const wrong = this.#wrongText(`${path} request ${range}`, content[range]?.schema, body);
      if (wrong.length === 0) this.#unobserved.delete(`${path} request ${range}`);
      return wrong.map((what) => `of the request, ${what}`);
    });
  }

  /** A schema of a text that holds JSON is checked as far as JSON Schema can: the schema of what it holds. */
  #wrongText(key: string, schema: oas31.MediaTypeObject['schema'] = {}, body: string): readonly string[] {
    const { contentSchema = schema } = schema as { contentSchema?: typeof schema };
    // The service reads a body without its byte order mark.
    return this.#wrongJson(key, this.#document, contentSchema, body.replace(/^\uFEFF/, ''));
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
    if (wrong.length === 0) wrong.push(...this.#wrongBody(`${path} ${status}`, response, type, body));
    if (wrong.length === 0) {
      const kind = type === PROBLEM_MEDIA_TYPE ? JSON.parse(body).type.replace('/docs#', '') : type;
      this.#unobserved.delete(`${path} ${status} ${kind}`);
    }
    return wrong;
  }

  #responseTo(method: string, path: string, status: number): Response | undefined {
    const documented = this.#methods.get(path);
    if (documented === undefined) {
      const response = this.#closed.components?.responses?.[ON_ANY_PATH[status] ?? ''];
      return response && resolve(this.#closed, response);
    }
    const isOperation = method === documented || (method === 'HEAD' && documented === 'GET');
    const isPossible = isOperation ? status !== 405 : ON_ANY_METHOD.includes(status);
    return isPossible ? this.#responses.get(`${path} ${status}`) : undefined;
  }

  #wrongHeaders({ headers = {} }: Response, sent: Observation['headers']): readonly string[] {
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const undocumented = TELLING.filter((name) => name in sent && !names.includes(name));
    return [
      ...undocumented.map((name) => `the header ${name} is not documented`),
      ...Object.entries(headers).flatMap(([name, documented]) => {
        const { required, schema = {} } = resolve<oas31.HeaderObject>(this.#document, documented);
        const text = sent[name.toLowerCase()];
        if (text === undefined) return required ? [`the header ${name} is missing`] : [];
        const value = 'type' in schema && schema.type === 'integer' ? Number(text) : text;
        return this.#ajv.validate(schema, value) ? [] : [`the header ${name} is ${text}`];
      }),
    ];
  }

  #wrongBody(place: string, { content = {} }: Response, type: string, body: string): readonly string[] {
    if (type === NO_BODY) return body === '' ? [] : ['it has a body'];
    return this.#wrongJson(`${place} ${type}`, this.#closed, content[type]?.schema, body);
  }

  #wrongJson(
    key: string,
    { components }: oas31.OpenAPIObject,
    schema: oas31.MediaTypeObject['schema'],
    body: string,
  ): readonly string[] {
    // References are to the components, so those must be within reach.
    const validate = this.#validators.get(key) ?? this.#ajv.compile({ ...schema, components });
    this.#validators.set(key, validate);
    try {
      if (validate(JSON.parse(body))) return [];
    } catch {
      return ['the body is not JSON'];
    }
    const errors = validate.errors ?? [];
    return errors.map(
      ({ instancePath, message, params }) =>
        `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
    );
  }
}

/** The document with every object of an answer closed to keys that it does not name. */
function closed<Part>(part: Part): Part {
  if (Array.isArray(part)) return part.map(closed) as Part;
  if (typeof part !== 'object' || part === null) return part;
  const inner = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, closed(value)]));
  return { ...inner, ...('properties' in part && { additionalProperties: false }) } as Part;
}

/** The media type without its parameters. A type that is only parameters counts as none. */
const essenceOf = (type: string) => type.split(';')[0]?.trim().toLowerCase() || UNTYPED;

/** Whether a documented type or range has this type: in a range, `*` stands for anything. */
function isWithin(type: string, range: string): boolean {
  const [wanted = '', suffix] = range.split('*/*');
  return suffix === undefined ? type === wanted : /^[^/]+\/[^/]+$/.test(type) && type.endsWith(suffix);
}

const isIn = ({ content }: Response, type: string) =>
  content === undefined ? type === NO_BODY : type in content;
