/**
 * One image to the shop's bucket: asks for a presigned URL, puts the bytes
 * there, has ingest look at what arrived.
 */

/**
 * @param {string} code
 * @param {string} [detail]
 * @param {number} [status] of the answer; 0: there was none
 * @returns {import('./upload.js').UploadError}
 */
const failure = (code, detail, status = -1) =>
  Object.assign(new Error(detail || code), { code, status });

/** @param {number} status */
const passes = (status) => !status || status === 408 || status === 429 || status > 499;

/** @param {Blob & {name?: string}} file */
const checkType = async (file) => {
  // What phones name .jpg may be HEIC all the same; its first bytes tell.
  const brand = await file.slice(4, 12).text();
  if (/\Whei[cf]/i.test(file.type + file.name) || /^ftyphe[iv]/.test(brand))
    throw failure('heic', 'HEIC: save it as JPEG, PNG or WebP');
  if (!file.type)
    throw failure('unknown_type', 'The file has no type');
};

/**
 * @param {string} url
 * @param {object} body
 * @param {import('./types.js').UploadOptions} options
 * @param {boolean} [forceRefresh]
 * @returns {Promise<any>}
 */
const ask = async (url, body, options, forceRefresh) => {
  const token = options.getToken && (await options.getToken({ forceRefresh }));
  const answer = await fetch(url, {
    method: 'POST',
    credentials: 'omit',
    signal: options.signal,
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token },
    body: JSON.stringify(body),
  }).catch((error) => {
    if (options.signal?.aborted) throw error;
    throw failure('network', '' + error, 0);
  });
  if (answer.status === 401 && !forceRefresh) return ask(url, body, options, true);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok)
    throw failure(told.code || 'http_' + answer.status, told.detail, answer.status);
  return told;
};

/**
 * fetch() tells no progress of what goes out.
 *
 * @param {{url: string, headers: Record<string, string>}} plan
 * @param {Blob} file
 * @param {import('./types.js').UploadOptions} options
 */
const put = (plan, file, { onProgress, signal }) =>
  new Promise((/** @type {(_?: unknown) => void} */ done, fail) => {
    const request = new XMLHttpRequest();
    request.open('PUT', plan.url);
    for (const name in plan.headers) request.setRequestHeader(name, plan.headers[name]);
    if (onProgress)
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onloadend = () => {
      const { status } = request;
      if (signal?.aborted) fail(signal.reason);
      // 412: a try before this one arrived, and only its answer was lost.
      else if ((status > 199 && status < 300) || status === 412) done();
      else fail(failure('put', '', status));
    };
    signal?.addEventListener('abort', () => request.abort());
    signal?.throwIfAborted();
    request.send(file);
  });

/** @type {typeof import('./upload.js').uploadImage} */
export const uploadImage = async (file, options = {}) => {
  const { presignUrl = '/uploads/presign', completeUrl = '/uploads/complete' } = options;
  const { productId, metadata, signal, retries = 3 } = options;
  const wish = { contentType: file.type, contentLength: file.size, productId };
  let plan, there;

  await checkType(file);
  for (let tries = 1; ; tries++)
    try {
      plan ||= await ask(presignUrl, wish, options);
      if (!there) await put(plan, file, options);
      there = true;
      return await ask(completeUrl, { uploadId: plan.uploadId, metadata }, options);
    } catch (/** @type {any} */ error) {
      const { status, code } = error;
      const refused = code === 'put' && (status === 403 || status > 499);
      if (signal?.aborted || tries > retries || !(refused || passes(status))) throw error;
      if (refused) plan = undefined; // a URL that is out of date: another one
      await new Promise((again) => setTimeout(again, 2 ** tries * 250 * (1 + Math.random())));
    }
};
