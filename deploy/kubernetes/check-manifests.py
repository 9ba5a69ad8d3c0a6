"""Makes of FOLDER/all.yaml, which is kustomize's, FOLDER/pod.yaml for podman, its volumes in FOLDER/kubelet, and FOLDER/probes for a shell."""
import os
import shlex
import sys

import yaml

box = sys.argv[1]
kinds = {}
for each in yaml.safe_load_all(open(f"{box}/all.yaml", encoding="utf-8")):
    kinds.setdefault(each["kind"], {})[each["metadata"]["name"]] = each
spec = kinds["Deployment"]["sallyport"]["spec"]["template"]["spec"]
group = spec["securityContext"].pop("fsGroup")
spec["securityContext"].pop("fsGroupChangePolicy")
spec["securityContext"]["supplementalGroups"] = [group]
# As step 6 of README.md makes them.
secrets = {"sallyport-ingress": ["ingress.key", "hookdeck"], "sallyport-executor": ["executor.key", "deploy.key"]}


def own(path, mode):
    os.chown(path, 0, group)
    os.chmod(path, mode)


def project(folder, files, mode):
    """A ConfigMap or Secret: the files are in a folder behind a link, so that all of them change at one moment."""
    os.mkdir(f"{folder}/..first")
    for name, content in files.items():
        with open(f"{folder}/..first/{name}", "wb") as file:
            file.write(content)
        own(f"{folder}/..first/{name}", mode)
        os.symlink(f"..data/{name}", f"{folder}/{name}")
    own(f"{folder}/..first", 0o2755)
    os.symlink("..first", f"{folder}/..data")
    own(folder, 0o3777)


def fill(volume, folder):
    os.mkdir(folder)
    if "emptyDir" in volume:
        own(folder, 0o2777)
    elif "persistentVolumeClaim" in volume:
        own(folder, 0o2775)
    elif "configMap" in volume:
        data = kinds["ConfigMap"][volume["configMap"]["name"]]["data"]
        project(folder, {name: text.encode() for name, text in data.items()}, 0o644)
    else:
        secret = volume["secret"]
        files = {name: open(f"{box}/secrets/{name}", "rb").read() for name in secrets[secret["secretName"]]}
        project(folder, files, secret["defaultMode"])


def command(probe, container, ports):
    """What a shell runs for a probe. Podman has no timer for probes where systemd is not."""
    if "exec" in probe:
        return f"podman exec sallyport-{container} {shlex.join(probe['exec']['command'])}"
    if "httpGet" in probe:
        return f"inside curl -sf http://127.0.0.1:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
    # Any answer is a connection.
    return f"inside curl -s http://127.0.0.1:{ports[probe['tcpSocket']['port']]}/"


volumes = []
for volume in spec["volumes"]:
    folder = f"{box}/kubelet/{volume['name']}"
    fill(volume, folder)
    volumes.append({"name": volume["name"], "hostPath": {"path": folder, "type": "Directory"}})
spec["volumes"] = volumes

# Podman knows no native sidecars.
spec["containers"] = spec.pop("initContainers") + spec["containers"]
spec["restartPolicy"] = "Always"
with open(f"{box}/probes", "w", encoding="utf-8") as file:
    for container in spec["containers"]:
        container.pop("restartPolicy", None)
        name = container["name"]
        ports = {port["name"]: port["containerPort"] for port in container.pop("ports", [])}
        for kind in ["startupProbe", "readinessProbe", "livenessProbe"]:
            probe = container.pop(kind, None)
            if probe:
                file.write(f'wait_for "{kind} of {name}" {command(probe, name, ports)}\nsay "{name}: its {kind} passes"\n')
with open(f"{box}/pod.yaml", "w", encoding="utf-8") as file:
    yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sallyport"}, "spec": spec}, file)
