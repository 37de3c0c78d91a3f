// The example's REST API: JSON in, {"code","message","content"} out.

const USERS = 2_000; // at most so many are listed
const USERS_PAGE = 500;

export class ApiError extends Error {
  constructor(status, answer) {
    super(answer?.message ?? 'network');
    this.status = status;
    /** The error's name on the wire, or 'network' when nothing came back. */
    this.error = answer?.content?.error ?? (answer ? 'unknown' : 'network');
  }
}

async function call(prefix, path, { secret, body, method = body ? 'POST' : 'GET' } = {}) {
  let response;
  try {
    response = await fetch(prefix + path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...(secret && { authorization: `Bearer ${secret}` }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw new ApiError(0, null);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer ?? { message: response.statusText });
  return answer.content;
}

export const api = (prefix) => ({
  signUp: (person) => call(prefix, '/api/user/create', { body: person }),
  signIn: (uname, passwd) => call(prefix, '/api/user/login', { body: { uname, passwd } }),
  signOut: (secret) => call(prefix, '/api/user/logout', { secret, method: 'POST' }),
  async users(secret) {
    const users = [];
    while (users.length < USERS) {
      const query = new URLSearchParams({ after: users.at(-1)?.uid ?? 0, limit: USERS_PAGE });
      const page = await call(prefix, `/api/user/list?${query}`, { secret });
      users.push(...page);
      if (page.length < USERS_PAGE) break;
    }
    return users;
  },
  history: (secret, uid, before, limit) =>
    call(prefix, `/api/chat/history?${new URLSearchParams({ with: uid, before, limit })}`, { secret }),
});
