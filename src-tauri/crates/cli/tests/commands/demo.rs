//! `concord demo`.

use crate::house::House;

#[test]
fn the_story_comes_true_and_leaves_nothing_behind() {
    let house = House::empty();
    let mut command = house.command(&["demo"]);
    let own_temp = tempfile::tempdir().unwrap();
    command.env_remove("CONCORD_PASSPHRASE").env("TMPDIR", own_temp.path());
    let ran = crate::house::Ran::of(command.output().unwrap()).exits(0);
    for step in [
        "1. ",
        "Preview",
        "Reconcile",
        "Edit a user",
        "Edit a contact",
        "the other way",
        "Salesforce",
        "both systems",
    ] {
        assert!(ran.out.contains(step), "{step}: {ran:?}");
    }
    assert_eq!(std::fs::read_dir(own_temp.path()).unwrap().count(), 0, "the temporary folder is gone");
    assert!(!house.data_dir().exists(), "the data folder is left alone");
}

#[test]
fn programs_get_the_numbers() {
    let house = House::empty();
    let story = house.json(0, &["demo"]);
    let steps = story["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 11);
    assert_eq!(steps[2]["facts"]["failed"], 0);
    assert_eq!(steps[3]["facts"]["changes"], 0, "the second run changes nothing");
    assert_eq!(steps[10]["facts"]["changes"], 1, "one change in Salesforce, one here");
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_without_certificates_is_told_what_it_lacks() {
    let house = House::empty();
    let mut command = house.command(&["demo"]);
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
    crate::house::Ran::of(command.output().unwrap()).exits(1).says(&[
        "did not finish",
        "knows no certificate authority",
        "ca-certificates",
    ]);
}
