/** A message of the server cannot be understood: the page and the server are not of the same version. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
