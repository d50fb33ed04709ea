import firstSteps from "../../../../docs/guide/first-steps.md?raw";
import hubspot from "../../../../docs/guide/hubspot.md?raw";
import movingFromIdm from "../../../../docs/guide/moving-from-idm.md?raw";
import safety from "../../../../docs/guide/safety.md?raw";
import salesforce from "../../../../docs/guide/salesforce.md?raw";
import scim from "../../../../docs/guide/scim-and-wso2.md?raw";
import troubleshooting from "../../../../docs/guide/troubleshooting.md?raw";

export interface GuidePageText {
  /** The end of its address, and of its file. */
  name: string;
  title: string;
  /** Markdown, without the title. */
  text: string;
}

/** The pages of the guide in their order: the files of `docs/guide`, which are also read in the repository. */
export const GUIDE: GuidePageText[] = [
  page("first-steps", firstSteps),
  page("hubspot", hubspot),
  page("salesforce", salesforce),
  page("scim-and-wso2", scim),
  page("moving-from-idm", movingFromIdm),
  page("safety", safety),
  page("troubleshooting", troubleshooting),
];

function page(name: string, markdown: string): GuidePageText {
  const end = markdown.indexOf("\n");
  return { name, title: markdown.slice(0, end).replace(/^# /, ""), text: markdown.slice(end + 1) };
}

/** Where a link of a page leads inside the app: to another page of the guide. Anything else is not a link here. */
export function pageOfLink(address: string | undefined): string | undefined {
  const name = /^([a-z0-9-]+)\.md(?:#.*)?$/.exec(address ?? "")?.[1];
  return GUIDE.find((entry) => entry.name === name)?.name;
}
