//! Builds that are interrupted, and processes that share a directory.

use std::process::Stdio;
use std::time::Duration;

use super::*;

#[tokio::test]
async fn one_of_several_builds_and_the_others_wait_for_it() {
    for bench in Bench::both() {
        bench.connector("crm", "1.0", &[]);
        let recipe = bench.recipe("connector-crm");
        // Locks are between open files, so that two values stand for two processes.
        let other = bench.environments.clone();
        let (one, two) = (Heard::default(), Heard::default());
        let both = tokio::join!(
            bench.environments.get(&recipe, &one),
            other.get(&recipe, &two)
        );
        let (first, second) = (both.0.expect("one"), both.1.expect("two"));
        assert_eq!(first.python, second.python);
        let waited = [
            one.step("waiting for another process"),
            two.step("waiting for another process"),
        ];
        let built = [one.step("making"), two.step("making")];
        assert_eq!(
            [waited[0], waited[1]],
            [built[1], built[0]],
            "{one:?} {two:?}"
        );
        assert_ne!(built[0], built[1]);
        let kept = bench.environments.list().await.expect("a list");
        assert_eq!(kept.len(), 1);
        assert!(kept[0].in_use && kept[0].bytes > 0 && kept[0].created <= kept[0].used);
        assert_eq!(kept[0].asked, ["connector-crm"]);
    }
}

#[tokio::test]
async fn an_interrupted_build_leaves_no_process_and_is_made_again() {
    let bench = Bench::with(|wheels| {
        // A uv that never ends stands for a slow network.
        let place = wheels.parent().expect("a parent");
        let script = "case $1 in --version) echo uv 1;; *) mkdir -p \"$PWD/env/half\"; echo $$ > \"$PWD/../pid\"; sleep 600; true;; esac";
        program(place, "uv", script);
        pip(wheels).with_uv(Some(place.join("uv")))
    });
    bench.connector("crm", "1.0", &[]);
    let recipe = bench.recipe("connector-crm");
    let environments = bench.environments.clone();
    let task = tokio::spawn(async move { environments.get(&recipe, &Quiet).await.map(|_| ()) });
    let process = loop {
        let homes = fs::read_dir(bench.envs()).into_iter().flatten().flatten();
        let ids = homes.filter_map(|home| fs::read_to_string(home.path().join("pid")).ok());
        if let Some(id) = ids.filter(|id| id.ends_with('\n')).last() {
            break format!("/proc/{}/stat", id.trim());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    task.abort();
    assert!(task.await.expect_err("aborted").is_cancelled());
    while fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What a killed process leaves is removed by the next build, and never taken for an environment.
    let home = fs::read_dir(bench.envs())
        .expect("envs")
        .flatten()
        .next()
        .expect("a home")
        .path();
    write(
        &home,
        &[
            ("building-dead/env/bin/python", ""),
            ("7/env/bin/python", ""),
        ],
    );
    let tools = pip(&bench.wheels());
    let working = Environments::new(bench.path().join("data/python"), tools);
    let environment = working.get(&bench.recipe("connector-crm"), &Quiet).await;
    assert_eq!(names(&environment.expect("made again")), ["crm"]);
    assert!(!home.join("building-dead").exists());
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_said() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    let environment = bench.get("connector-crm").await.expect("an environment");
    let generation = environment
        .python
        .ancestors()
        .nth(3)
        .expect("a generation")
        .to_owned();
    let home = generation.parent().expect("a home").to_owned();
    drop(environment);
    fs::remove_dir_all(&generation).expect("removed");
    // Python's flock is the same lock.
    let code = "import fcntl, sys\nf = open(sys.argv[1], 'a')\nfcntl.flock(f, fcntl.LOCK_EX)\nprint('locked', flush=True)\nsys.stdin.read()\n";
    let mut holder = std::process::Command::new("python3");
    let holder = holder.args(["-c", code]).arg(home.join("lock"));
    let mut holder = holder
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let mut line = String::new();
    let stdout = holder.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    let heard = std::sync::Arc::new(Heard::default());
    let (environments, recipe, hears) = (
        bench.environments.clone(),
        bench.recipe("connector-crm"),
        heard.clone(),
    );
    let task = tokio::spawn(async move { environments.get(&recipe, &*hears).await.map(|_| ()) });
    while !heard.step("waiting for another process, which makes the environment for connector-crm")
    {
        assert!(!task.is_finished());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!heard.step("making"));
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
    task.await.expect("no panic").expect("an environment");
    assert!(heard.step("making"));
}

#[tokio::test]
async fn an_environment_whose_python_is_gone_is_made_again() {
    for bench in Bench::both() {
        write(bench.path(), &[("crm.py", "")]);
        let first = bench.get("crm.py").await.expect("an environment");
        fs::remove_file(&first.python).expect("removed");
        let second = bench.get("crm.py").await.expect("a new one");
        assert_ne!(first.python, second.python);
        assert_ne!(first.fingerprint, second.fingerprint);
        says(&second, "import json");
    }
}

#[tokio::test]
async fn prune_keeps_what_is_needed_and_what_is_in_use() {
    let bench = Bench::with(pip);
    for name in ["a", "b", "c"] {
        bench.connector(name, "1.0", &[]);
    }
    let used = bench.get("connector-a").await.expect("an environment");
    for name in ["connector-b", "connector-c"] {
        drop(bench.get(name).await.expect("an environment"));
    }
    let pruned = bench
        .environments
        .prune(&[bench.recipe("connector-b")])
        .await
        .expect("pruned");
    let asked = |kept: &[Kept]| {
        kept.iter()
            .flat_map(|one| one.asked.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&pruned.removed), ["connector-c"]);
    assert_eq!(asked(&pruned.in_use), ["connector-a"]);
    says(&used, "import connector_a");
    drop(used);
    let pruned = bench
        .environments
        .prune(&[bench.recipe("connector-b")])
        .await
        .expect("pruned");
    assert_eq!(asked(&pruned.removed), ["connector-a"]);
    assert_eq!(
        asked(&bench.environments.list().await.expect("a list")),
        ["connector-b"]
    );
    let lost = bench.recipe("./lost");
    let error = bench
        .environments
        .prune(&[lost])
        .await
        .expect_err("unknown needs");
    assert!(
        error.to_string().contains("there is no directory"),
        "{error}"
    );
    bench.environments.prune(&[]).await.expect("pruned");
    assert_eq!(fs::read_dir(bench.envs()).expect("envs").count(), 0);
}
