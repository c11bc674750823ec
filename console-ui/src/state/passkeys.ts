// Passkeys: the browser makes and uses them; it speaks the same JSON as the server.
import { api } from "./api";
import type { KeyShown, Session } from "../vocabulary";

/** Browsers that cannot read the JSON of the standard cannot use passkeys here; they sign in with the password. */
export const canUsePasskeys = typeof PublicKeyCredential !== "undefined" && "parseCreationOptionsFromJSON" in PublicKeyCredential;

/** null: the person closed the question, or there is no key. */
async function asked(make: Promise<Credential | null>): Promise<unknown> {
  try {
    const made = await make;
    return made === null ? null : (made as PublicKeyCredential).toJSON();
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

export async function addPasskey(name: string): Promise<KeyShown | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await api.passkeyOptions());
  const credential = await asked(navigator.credentials.create({ publicKey }));
  return credential === null ? null : api.addPasskey(name, credential);
}

export async function signInByPasskey(purpose: string): Promise<Session | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await api.passkeyQuestion());
  const credential = await asked(navigator.credentials.get({ publicKey }));
  return credential === null ? null : api.signInByPasskey(purpose, credential);
}
