/** An answer that is no success. Without a session `status` is 401; 0 means that nothing answered. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * GETs JSON from the app. Named here, the patient cannot change under the page: when the same browser
 * launches the app for somebody else, this page gets an error and never the other patient's data.
 */
export async function getJson(path, patientId) {
  const headers = { Accept: 'application/json', ...(patientId && { 'x-smart-patient': patientId }) };
  const answer = await fetch(path, { headers }).catch(() => {
    throw new ApiError(0, 'The app does not answer. Check the network and try again.');
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, body.message ?? `The app answered ${answer.status}.`);
  return body;
}
