/** An answer of the authorization server that is no success (RFC 6749 section 5.2); thrown, and answered by its routes. */
export class OAuthFault extends Error {
  readonly error: string;
  readonly status: 400 | 401;
  constructor(error: string, description: string, status: 400 | 401 = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}
