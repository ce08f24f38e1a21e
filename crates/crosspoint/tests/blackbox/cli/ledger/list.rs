//! `crosspoint ledger list`.

use crosspoint_broker::ledger::State;

use super::{Desk, Entry};
use crate::harness::Setup;

#[tokio::test]
async fn the_newest_calls_come_first_with_their_whole_ids() {
    let desk = Desk::new().await;
    let first = desk.record(Entry::new("http://h/", State::Succeeded)).await;
    let second = desk.record(Entry::new("http://h/", State::Unknown)).await;
    let ended = desk.run(&["list"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("ID ") && lines.len() == 3, "{ended:?}");
    assert!(
        lines[1].starts_with(&second) && lines[1].contains("unknown"),
        "{ended:?}"
    );
    assert!(lines[1].contains("http/PostRequestV2") && lines[1].contains("ReadTimeout"));
    assert!(
        lines[2].starts_with(&first) && lines[2].contains("succeeded"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn every_option_leaves_out_what_is_not_like_it() {
    let desk = Desk::new().await;
    let old = Entry::new("http://h/", State::Succeeded).ago(90);
    let old = desk
        .record(old.with(|call| call.origin.task = Some("t-1".to_owned())))
        .await;
    let other = Entry::new("http://h/", State::Failed).ago(60);
    let other = desk
        .record(other.with(|call| {
            call.command = "smtp/SendEmail".parse().unwrap();
            call.origin.instance = Some("12".to_owned());
            call.request_id = "mine".into();
        }))
        .await;
    let new = desk.record(Entry::new("http://h/", State::Running)).await;
    let all = [&new, &other, &old];
    for (options, wanted) in [
        (&[][..], &all[..]),
        (&["--connector", "http"], &[&new, &old]),
        (&["--command", "SendEmail"], &[&other]),
        (&["--command", "smtp/SendEmail"], &[&other]),
        (&["--command", "http/SendEmail"], &[]),
        (&["--state", "failed"], &[&other]),
        (&["--task", "t-1"], &[&old]),
        (&["--instance", "12"], &[&other]),
        (&["--request", "mine"], &[&other]),
        (&["--request", &new], &[&new]),
        (&["--since", "75m"], &[&new, &other]),
        (&["--until", "75m"], &[&old]),
        (&["--since", "80m", "--until", "30m"], &[&other]),
        (&["--since", "2001-01-01T00:00:00+01:00"], &all),
        (&["--limit", "2"], &all[..2]),
        (&["--state", "failed", "--connector", "http"], &[]),
    ] {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        assert_eq!(desk.ids(options).await, wanted, "{options:?}");
    }
    let ended = desk.run(&["list", "--limit", "2"]).await;
    assert!(ended.stderr.contains("--limit"), "{ended:?}");
    let ended = desk.run(&["list", "--limit", "3"]).await;
    assert_eq!(ended.stderr, "");
    let ended = desk.run(&["list", "--task", "none"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("ledger list"), "{ended:?}");
}

#[tokio::test]
async fn more_calls_than_are_read_at_once_are_one_array() {
    let desk = Desk::new().await;
    for _ in 0..1001 {
        desk.record(Entry::new("http://h/", State::Running)).await;
    }
    let ids = desk.ids(&["--limit", "1000"]).await;
    assert!(ids.is_sorted_by(|a, b| a > b));
    assert_eq!(ids.len(), 1000);
}

#[tokio::test]
async fn what_is_not_there_is_not_made() {
    let setup = Setup::new();
    let ended = setup.clone().run(&["ledger", "list"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("crosspoint.db") && ended.stderr.contains("crosspoint serve"));
    assert!(!setup.path().join(".crosspoint").exists());

    let none = setup.env("CROSSPOINT_STORE__URL", "none");
    let ended = none.run(&["ledger", "list"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("store.url") && ended.stderr.contains("none"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn another_master_key_is_told_and_nothing_shown() {
    let desk = Desk::new().await;
    desk.record(Entry::new("http://h/", State::Succeeded)).await;
    let key = desk.setup.path().join(".crosspoint/master.key");
    std::fs::write(&key, format!("{}=\n", "A".repeat(43))).unwrap();
    let ended = desk.run(&["list"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("master.key"), "{ended:?}");
    std::fs::remove_file(&key).unwrap();
    let ended = desk.run(&["list"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("master.key") && !key.exists(),
        "{ended:?}"
    );
}

#[tokio::test]
async fn options_that_mean_nothing_are_exit_code_2() {
    let desk = Desk::new().await;
    for (options, part) in [
        (&["--state", "done"][..], "undeliverable"),
        (&["--since", "soon"], "2h"),
        (&["--limit", "0"], "--limit"),
        (&["--follow", "--until", "1h"], "--until"),
    ] {
        let ended = desk.run(&[&["list"], options].concat()).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
}
