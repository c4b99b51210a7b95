/* Passkeys: what the server says in base64url as the browser wants it, and back (WebAuthn level 3, 5.1.8 to 5.1.10; written out,
 * because not every browser has parseCreationOptionsFromJSON). */
import { fromBase64Url, toBase64Url } from "./base64";

interface Descriptor {
  readonly type: "public-key";
  readonly id: string;
}

export interface GetOptions {
  readonly challenge: string;
  readonly rpId: string;
  readonly userVerification: UserVerificationRequirement;
  readonly timeout: number;
  readonly allowCredentials: readonly Descriptor[];
}

export interface CreateOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly pubKeyCredParams: readonly PublicKeyCredentialParameters[];
  readonly timeout: number;
  readonly attestation: AttestationConveyancePreference;
  readonly authenticatorSelection: AuthenticatorSelectionCriteria;
  readonly excludeCredentials: readonly Descriptor[];
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => fromBase64Url(text) as Uint8Array<ArrayBuffer>;
const text = (buffer: ArrayBuffer | null): string => (buffer ? toBase64Url(new Uint8Array(buffer)) : "");
const descriptors = (list: readonly Descriptor[]): PublicKeyCredentialDescriptor[] => list.map((d) => ({ type: d.type, id: bytes(d.id) }));

export async function getPasskey(o: GetOptions): Promise<object> {
  const got = await navigator.credentials.get({
    publicKey: { challenge: bytes(o.challenge), rpId: o.rpId, userVerification: o.userVerification, timeout: o.timeout, allowCredentials: descriptors(o.allowCredentials) },
  });
  if (!(got instanceof PublicKeyCredential) || !(got.response instanceof AuthenticatorAssertionResponse)) throw new DOMException("no passkey");
  const r = got.response;
  return {
    id: got.id,
    rawId: text(got.rawId),
    type: got.type,
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle) },
  };
}

export async function createPasskey(o: CreateOptions): Promise<object> {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(o.challenge),
      rp: o.rp,
      user: { ...o.user, id: bytes(o.user.id) },
      pubKeyCredParams: [...o.pubKeyCredParams],
      timeout: o.timeout,
      attestation: o.attestation,
      authenticatorSelection: o.authenticatorSelection,
      excludeCredentials: descriptors(o.excludeCredentials),
    },
  });
  if (!(made instanceof PublicKeyCredential) || !(made.response instanceof AuthenticatorAttestationResponse)) throw new DOMException("no passkey");
  const r = made.response;
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.getAuthenticatorData()), publicKey: text(r.getPublicKey()) },
  };
}
