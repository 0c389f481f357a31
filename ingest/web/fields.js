/**
 * What shops often get slightly wrong in known fields, put right, so that an
 * event is not refused for it.  Unknown ones pass: the catalog judges them.
 */

/**
 * The event's JSON.
 *
 * @param {Record<string, unknown>} event
 */
export const tidy = (event) =>
  JSON.stringify(
    event,
    /** @this {any} @param {string} key @param {any} value */
    function (key, value) {
      if (!value && value !== 0 && value !== false) return;
      if (this === event.props) return value; // names of the shop's own
      if (/^(price|discountPrice|value|quantity)$/.test(key))
        return value.trim?.() && !isNaN(value) ? +value : value;
      if (/Id$/.test(key)) return '' + value;
      if (/^(urlPath|referrer)$/.test(key)) return value.replace(location.origin, '').slice(0, 2048);
      return key === 'items' ? value.slice(0, 50) : value;
    },
  );

/** Pages without https have no crypto.randomUUID(); and each call for random
 * bytes takes its time. */
export const uuid = (bytes = crypto.getRandomValues(new Uint8Array(36))) =>
  'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, (_, at) => (bytes[at] & 15).toString(16));
