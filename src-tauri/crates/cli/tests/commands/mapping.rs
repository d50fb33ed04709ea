//! `concord mapping`.

use serde_json::json;

use crate::house::{House, IN, OUT, inbound, outbound};

#[test]
fn mappings_are_added_listed_shown_and_removed() {
    let house = House::empty();
    assert_eq!(house.json(0, &["mapping", "list"]), json!([]));
    let nothing = house.concord(&["mapping", "list"]).exits(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("mapping add"), "{nothing:?}");

    let whole = house.file("sync.json", &json!({"mappings": [inbound(), outbound()]}));
    assert_eq!(
        house.json(0, &["mapping", "add", &whole]),
        json!([{"name": IN, "result": "added"}, {"name": OUT, "result": "added"}])
    );
    let one = house.concord_with_input(&["--json", "mapping", "add", "-"], &inbound().to_string()).exits(0);
    assert_eq!(one.json(), json!([{"name": IN, "result": "changed"}]));

    let list = house.json(0, &["mapping", "list"]);
    let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert_eq!(names, [IN, OUT], "in sync order");
    assert!(list[0]["problem"].as_str().is_some_and(|p| p.contains("hubspot")), "its connector is missing");
    let words = house.concord(&["mapping", "list"]).exits(0).out;
    assert!(words.contains("managed/user") && words.contains("never"), "{words}");

    let shown = house.json(0, &["mapping", "show", IN]);
    assert_eq!(shown["source"], "system/hubspot/contact");
    assert_eq!(shown["guards"]["maxDeletes"], 0);
    let words = house.concord(&["mapping", "show", IN]).exits(0).out;
    assert!(words.contains("SOURCE_MISSING") && words.contains("DELETE"), "{words}");
    // What was shown is what was meant.
    house.concord_with_input(&["mapping", "add", "-"], &shown.to_string()).exits(0);
    assert_eq!(house.json(0, &["mapping", "show", IN]), shown);

    house.concord(&["mapping", "remove", IN]).exits(1).says(&[OUT, "links"]);
    house.json(0, &["mapping", "remove", OUT]);
    house.concord(&["mapping", "remove", IN]).exits(0);
    assert_eq!(house.json(0, &["mapping", "list"]), json!([]));

    let nowhere =
        json!({"name": "nowhere", "source": "managed/user", "target": "managed/ghost", "properties": []});
    house.concord_with_input(&["mapping", "add", "-"], &nowhere.to_string()).exits(0);
    let problem = house.json(0, &["mapping", "list"])[0]["problem"].clone();
    assert!(problem.as_str().is_some_and(|p| p.contains("no managed object type `ghost`")), "{problem}");
}

#[test]
fn a_document_is_taken_whole_or_not_at_all() {
    let house = House::empty();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut second = outbound();
        change(&mut second);
        json!({"mappings": [inbound(), second]}).to_string()
    };
    // content, what is said
    let table: Vec<(String, &[&str])> = vec![
        ("{".into(), &["m.json"]),
        (json!({"mappings": {}}).to_string(), &["`mappings`", "list"]),
        (with(&|m| m["source"] = json!("somewhere")), &[OUT, "source"]),
        (with(&|m| m["links"] = json!("ghost")), &[OUT, "ghost"]),
        (with(&|m| *m = inbound()), &[IN, "twice"]),
        (
            with(&|m| {
                m["properties"][0]["transform"] = json!({"type": "text/javascript", "source": "this is ("})
            }),
            &[OUT],
        ),
        (with(&|m| m["policies"] = json!([{"situation": "LOST", "action": "CREATE"}])), &[OUT, "LOST"]),
        (with(&|m| m["sourceCondition"] = json!("/source/mail xx")), &[OUT]),
    ];
    for (content, words) in table {
        let file = house.text_file("m.json", &content);
        house.concord(&["mapping", "add", &file]).exits(1).says(words);
        assert_eq!(house.json(0, &["mapping", "list"]), json!([]), "{content}");
    }
}

#[test]
fn unknown_mappings_are_named() {
    let house = House::empty();
    for arguments in [
        &["mapping", "show", "ghost"][..],
        &["mapping", "remove", "ghost"],
        &["recon", "ghost"],
        &["recon", "ghost", "--preview"],
    ] {
        let ran = house.concord(arguments).exits(1).says(&["no such mapping: ghost"]);
        assert!(ran.out.is_empty(), "{ran:?}");
    }
}
