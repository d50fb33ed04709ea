/** Attributes by the names that the systems and the repository have for them. They are no words: no language has others. */

/** The name of a record of Salesforce. */
export const NAME = "Name";

/** What is an address, best first. */
export const ADDRESSES = ["mail", "email", "Email", "userName", "Username", "domain"];

/** What tells records of the same name apart, best first. */
export const TELLING = ["mail", "email", "Email", "userName", "Username", "company", "Company", "city", "phone", "Phone", "telephoneNumber", "domain"];
