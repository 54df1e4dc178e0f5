/** The words of JSON Schema that the API's description uses, as OpenAPI 3.0 means them. */

const known = new Set(
  `$ref additionalProperties allOf default description enum example exclusiveMaximum
   exclusiveMinimum format items maxItems maximum maxLength minItems minProperties minimum
   nullable oneOf pattern properties required title type`.split(/\s+/),
);

/** What a reference stands for. @param {any} document @param {string} reference */
export function resolve(document, reference) {
  if (!reference.startsWith('#/')) throw new Error(`${reference} leads out of the description`);
  let found = document;
  for (const key of reference.slice(2).split('/')) found = found?.[key];
  if (found === undefined) throw new Error(`${reference} leads nowhere`);
  return found;
}

/** @param {any} value */
function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** @param {any} schema @param {number} value @param {string} at @returns {string[]} */
function numberFaults({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }, value, at) {
  const isLow = value < minimum || (exclusiveMinimum && value === minimum);
  const isHigh = value > maximum || (exclusiveMaximum && value === maximum);
  return isLow || isHigh ? [`${at}: ${value} is out of range`] : [];
}

export class Validator {
  /** @param {any} document the whole description @param {{isClosed?: boolean}} [options] with
   * isClosed an object has no field that its schema does not name */
  constructor(document, { isClosed = false } = {}) {
    this.document = document;
    this.isClosed = isClosed;
  }

  /** Each way in which a value is not what its schema says.
   * @param {any} schema @param {any} value @param {string} [at] @returns {string[]} */
  faults(schema, value, at = '') {
    const unknown = Object.keys(schema).filter((word) => !known.has(word));
    if (unknown.length > 0) throw new Error(`${at}: this test does not know ${unknown}`);
    if (value === null && schema.nullable) return [];
    if (schema.$ref) return this.faults(resolve(this.document, schema.$ref), value, at);
    const type = typeOf(value);
    const isOfType =
      schema.type === undefined ||
      schema.type === type ||
      (schema.type === 'number' && type === 'integer');
    if (!isOfType) return [`${at}: ${JSON.stringify(value)} is no ${schema.type}`];
    /** @type {string[]} */
    const found = [];
    if (schema.enum && !schema.enum.includes(value)) found.push(`${at}: ${value} is not in enum`);
    if (typeof value === 'number') found.push(...numberFaults(schema, value, at));
    if (type === 'string') {
      if (value.length > schema.maxLength) found.push(`${at}: too long`);
      if (schema.pattern && !new RegExp(schema.pattern).test(value)) found.push(`${at}: ${value}`);
    }
    if (type === 'array') {
      const { minItems = 0, maxItems = Infinity } = schema;
      if (value.length < minItems || value.length > maxItems) {
        found.push(`${at}: ${value.length} entries`);
      }
    }
    if (schema.items) {
      for (const [i, item] of value.entries()) {
        found.push(...this.faults(schema.items, item, `${at}/${i}`));
      }
    }
    if (type === 'object') found.push(...this.#objectFaults(schema, value, at));
    for (const one of schema.allOf ?? []) found.push(...this.faults(one, value, at));
    if (schema.oneOf) {
      const each = schema.oneOf.map((/** @type {any} */ one) => this.faults(one, value, at));
      const count = each.filter((/** @type {string[]} */ faults) => faults.length === 0).length;
      if (count !== 1) found.push(`${at}: fits ${count} of oneOf: ${each.flat().join('; ')}`);
    }
    return found;
  }

  /** @param {any} schema @param {any} value @param {string} at @returns {string[]} */
  #objectFaults({ required = [], properties, additionalProperties, minProperties }, value, at) {
    const missing = required.filter((/** @type {string} */ name) => !(name in value));
    const found = missing.map((/** @type {string} */ name) => `${at}/${name}: is missing`);
    if (Object.keys(value).length < minProperties) found.push(`${at}: has too few keys`);
    const others = additionalProperties ?? !(this.isClosed && properties);
    for (const [name, one] of Object.entries(value)) {
      if (properties?.[name]) found.push(...this.faults(properties[name], one, `${at}/${name}`));
      else if (others === false) found.push(`${at}/${name}: nothing says that it is there`);
      else if (typeof others === 'object') found.push(...this.faults(others, one, `${at}/${name}`));
    }
    return found;
  }
}
