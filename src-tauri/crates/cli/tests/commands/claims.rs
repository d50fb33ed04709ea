//! `concord import-claims`.

use serde_json::{Value, json};

use crate::house::House;

const CLAIMS: &str = "ClaimURI,DisplayName,AttributeID,RegEx,DisplayOrder,SupportedByDefault,Required,ReadOnly\n\
    http://wso2.org/claims/phoneNumbers,Phone Numbers,phoneNumbers,^[0-9 +]+$,5,true,true,false\n\
    http://wso2.org/claims/dob,Birth Date,dateOfBirth,,6,true,false,true\n\
    http://wso2.org/claims/im,IM,im,,0,false,false,false\n";

fn claims(report: &Value) -> Vec<(&str, Option<&str>, bool)> {
    let rows = report["claims"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let changes = !row["changes"].as_array().unwrap().is_empty();
            (row["claim"].as_str().unwrap().rsplit('/').next().unwrap(), row["attribute"].as_str(), changes)
        })
        .collect()
}

#[test]
fn claims_are_previewed_confirmed_and_hold() {
    let house = House::empty();
    let ann = house.text_file(
        "ann.json",
        &json!({"userName": "ann", "givenName": "A", "sn": "B", "mail": "a@x.test"}).to_string(),
    );
    house.concord(&["user", "create", &ann]).exits(0);
    let file = house.text_file("claims.csv", CLAIMS);
    let preview = house.json(0, &["import-claims", &file, "--preview"]);
    let expect =
        [("phoneNumbers", Some("telephoneNumber"), true), ("dob", Some("dob"), true), ("im", None, false)];
    assert_eq!(claims(&preview), expect);
    assert_eq!(preview["saved"], false);
    // Somebody who is there has no telephone number.
    let stopped = house.json(1, &["import-claims", &file]);
    assert_eq!(stopped["saved"], false);
    assert!(!stopped["problems"].as_array().unwrap().is_empty(), "{stopped:#}");
    let told = house.concord(&["import-claims", &file]).exits(1);
    assert!(told.out.contains("Phone Numbers") && told.err.contains("--confirm"), "{told:#?}");
    assert_eq!(house.json(0, &["import-claims", &file, "--confirm"])["saved"], true);
    let again = house.concord(&["import-claims", &file]).exits(0);
    assert!(again.out.contains("(telephoneNumber): unchanged"), "{again:#?}");

    let bob = |phone: &str| {
        json!({"userName": "bob", "givenName": "B", "sn": "B", "mail": "b@x.test", "telephoneNumber": phone})
            .to_string()
    };
    let wrong = house.text_file("bob.json", &bob("call me"));
    house.concord(&["user", "create", &wrong]).exits(1).says(&["Phone Numbers"]);
    let right = house.text_file("bob.json", &bob("+41 31 555"));
    house.concord(&["user", "create", &right]).exits(0);
}

#[test]
fn what_is_no_list_of_claims_is_refused() {
    let house = House::empty();
    for (text, says) in
        [("", "ClaimURI"), ("{", "JSON"), ("[]", "no claim"), ("<!DOCTYPE x>", "document type")]
    {
        let file = house.text_file("claims", text);
        house.concord(&["import-claims", &file]).exits(1).says(&[says]);
    }
    house.concord(&["import-claims", "no-such-file"]).exits(1).says(&["no-such-file"]);
    house.concord(&["import-claims"]).exits(2);
}
