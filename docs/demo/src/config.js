/** Where things are; known only when the shop is served. */

const answer = await fetch('/config.json');
if (!answer.ok) throw new Error(`/config.json: ${answer.status}`);

/** @type {{endpoint: string, presignUrl: string, completeUrl: string,
 *    cognito: {url: string, clientId: string},
 *    accounts: {email: string, password: string}[]}} */
export const config = await answer.json();
