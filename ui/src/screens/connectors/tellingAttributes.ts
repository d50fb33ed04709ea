import type { AttributeInfo } from "../../backend/bindings/AttributeInfo";

const MOST = 5;

/** What people know a record by, best first, as the systems call it. */
const TELLING = ["username", "firstname", "lastname", "name", "displayname", "email", "mail", "domain", "isactive", "active", "company", "phone", "city", "title", "label"];

/** The few attributes of a type that tell a person most about a record. */
export function tellingAttributes(attributes: AttributeInfo[]): AttributeInfo[] {
  const known = TELLING.flatMap((name) => attributes.filter((attribute) => attribute.name.toLowerCase() === name));
  const wanted = attributes.filter((attribute) => attribute.required && !known.includes(attribute));
  const others = attributes.filter((attribute) => !known.includes(attribute) && !wanted.includes(attribute));
  return [...known, ...wanted, ...(known.length + wanted.length < 2 ? others : [])].slice(0, MOST);
}
