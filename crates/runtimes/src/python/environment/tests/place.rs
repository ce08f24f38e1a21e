//! Where environments are, what they were made from and with.

use super::*;

#[tokio::test]
async fn a_ready_environment_offers_all_its_connectors_also_editable_ones() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    let venv = bench.path().join("venv");
    let venv_text = venv.to_string_lossy();
    python(&["-m", "venv", "--without-pip", &venv_text]);
    let wheel = bench.wheels().join("connector_crm-1.0-py3-none-any.whl");
    let at = venv.join("bin/python");
    python(&[
        "-m",
        "pip",
        "-q",
        "--python",
        &at.to_string_lossy(),
        "install",
        "--no-index",
        &wheel.to_string_lossy(),
    ]);
    let site = fs::read_dir(venv.join("lib"))
        .expect("lib")
        .flatten()
        .next()
        .expect("python")
        .path();
    let site = site.join("site-packages");
    write(
        bench.path(),
        &[
            ("work/src/connector_edit/__init__.py", ""),
            ("work/src/connector_file.py", ""),
        ],
    );
    write(
        &site,
        &[
            ("edit.pth", &bench.path().join("work/src").to_string_lossy()),
            ("connector_bare/commands/x.py", ""),
        ],
    );
    // As setuptools installs a project without src/ editably: a hook and no path.
    let hook = format!(
        "import sys, importlib.util as u\nclass F:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n        \
         if name == 'connector_hook':\n            return u.spec_from_file_location(name, {:?})\nsys.meta_path.append(F)\n",
        bench.path().join("hook/connector_hook/__init__.py")
    );
    write(
        &bench.path().join("hook/connector_hook"),
        &[("__init__.py", "")],
    );
    write(
        &site,
        &[
            ("hook_finder.py", &hook),
            ("hook.pth", "import hook_finder\n"),
            (
                "connector_hook-1.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: connector-hook\nVersion: 1.0\n",
            ),
            ("connector_hook-1.0.dist-info/RECORD", "hook.pth,,\n"),
            (
                "connector_hook-1.0.dist-info/top_level.txt",
                "connector_hook\n",
            ),
        ],
    );
    let recipe = Recipe::new(Source::venv("venv", bench.path()));
    let environment = bench
        .environments
        .get(&recipe, &Quiet)
        .await
        .expect("an environment");
    assert_eq!(names(&environment), ["bare", "crm", "edit", "hook"]);
    assert_eq!(environment.python, at);
    // Code anywhere in it counts, and so does what is installed into it.
    let mut last = environment.fingerprint.clone();
    for file in [
        "work/src/connector_edit/new.py",
        "hook/connector_hook/new.py",
    ] {
        write(bench.path(), &[(file, "")]);
        assert_ne!(environment.current_fingerprint(), last, "{file}");
        last = environment.current_fingerprint();
    }
    write(&site, &[("other-1.0.dist-info/METADATA", "")]);
    assert_ne!(environment.current_fingerprint(), last);
    assert!(!bench.envs().exists());
}

#[tokio::test]
async fn an_interpreter_may_be_a_virtual_environments_or_any_path() {
    for bench in Bench::both() {
        write(bench.path(), &[("crm.py", "")]);
        let base = python(&["-c", "import sys; print(sys._base_executable)"]);
        program(bench.path(), "mypython", &format!("exec {base} \"$@\""));
        let none: [&str; 0] = [];
        let recipe = Recipe::parse(&["crm.py"], &none, Some("./mypython"), bench.path());
        let environment = bench
            .environments
            .get(&recipe.expect("a recipe"), &Quiet)
            .await;
        let environment = environment.expect("an environment");
        let version = python(&["-c", "import platform; print(platform.python_version())"]);
        assert_eq!(environment.python_version, version);
        assert_eq!(
            says(
                &environment,
                "import sys; print(sys.prefix != sys.base_prefix)"
            ),
            "True"
        );
    }
}

#[tokio::test]
async fn scripts_of_an_environment_run_at_its_place() {
    for bench in Bench::both() {
        let files = [
            ("connector_s/__init__.py", "def main():\n    print('ran')\n"),
            (
                "connector_s-1.0.dist-info/entry_points.txt",
                "[console_scripts]\nsay = connector_s:main\n",
            ),
        ];
        let made = wheel(&bench.wheels(), "connector_s", "1.0", &[], &files);
        let environment = bench
            .get(&made.to_string_lossy())
            .await
            .expect("an environment");
        let script = environment.python.with_file_name("say");
        assert_eq!(run(&mut std::process::Command::new(script)), "ran");
    }
}

#[tokio::test]
async fn progress_names_what_is_installed_and_with_which_tool() {
    for (bench, tool) in Bench::both().into_iter().zip(["pip", "uv"]) {
        bench.connector("crm", "1.0", &[]);
        let heard = Heard::default();
        let recipe = bench.recipe("connector-crm");
        bench
            .environments
            .get(&recipe, &heard)
            .await
            .expect("an environment");
        assert!(heard.step("making a Python 3."), "{heard:?}");
        assert!(
            heard.step(&format!("installing connector-crm with {tool} ")),
            "{heard:?}"
        );
        assert!(!heard.lines.lock().expect("no panic").is_empty());
        let again = Heard::default();
        bench
            .environments
            .get(&recipe, &again)
            .await
            .expect("the same");
        assert!(
            again.steps.lock().expect("no panic").is_empty(),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn an_interpreter_without_a_pip_of_its_own_gets_one_into_the_environment() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    let base = python(&["-c", "import sys; print(sys._base_executable)"]);
    let own = bench.path().join("nopip");
    let answer = serde_json::json!({
        "executable": own, "version": [3, 11, 0], "build": "b", "pip": null,
        "venv": true, "ensurepip": true,
    });
    let answer = answer.to_string().replace('"', "\\\"");
    let script = format!("case $2 in -c) echo \"{answer}\";; *) exec {base} \"$@\";; esac");
    program(bench.path(), "nopip", &script);
    let mut recipe = bench.recipe("connector-crm");
    recipe.interpreter = Some(own.to_string_lossy().into_owned());
    let heard = Heard::default();
    let environment = bench.environments.get(&recipe, &heard).await;
    let environment = environment.expect("an environment");
    assert!(
        heard.step("installing connector-crm with venv"),
        "{heard:?}"
    );
    assert!(environment.python.with_file_name("pip").exists());
    says(&environment, "import connector_crm");
}
