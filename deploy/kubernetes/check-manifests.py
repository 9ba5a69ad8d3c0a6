"""Makes of FOLDER/all.yaml, which is kustomize's, FOLDER/pod.yaml for podman, its volumes in FOLDER/kubelet, and FOLDER/probes for a shell.

Secrets are FOLDER/secrets.
"""
import argparse
import os
import shlex

import yaml

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--pod", default="sallyport", help="its name; one of a StatefulSet's has a number")
parser.add_argument("--here", metavar="NAME", help="a name that is this machine's in the pod")
arguments = parser.parse_args()
box, pod = arguments.folder, arguments.pod
kinds = {}
for each in yaml.safe_load_all(open(f"{box}/all.yaml", encoding="utf-8")):
    kinds.setdefault(each["kind"], {})[each["metadata"]["name"]] = each
workload = (kinds.get("Deployment") or kinds["StatefulSet"])["sallyport"]["spec"]
spec = workload["template"]["spec"]
# Each pod of a StatefulSet has a claim of its own.
spec["volumes"] += [{"name": each["metadata"]["name"], "persistentVolumeClaim": {}} for each in workload.get("volumeClaimTemplates", [])]
group = spec["securityContext"].pop("fsGroup")
spec["securityContext"].pop("fsGroupChangePolicy")
spec["securityContext"]["supplementalGroups"] = [group]
spec.pop("topologySpreadConstraints", None)
# As step 6 of README.md makes them, and step 5 of that of kubernetes-shared.
secrets = {
    "sallyport-ingress": ["ingress.key", "hookdeck"],
    "sallyport-executor": ["executor.key", "deploy.key"],
    "sallyport-pgbouncer": ["userlist.txt"],
}


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
        return f"podman exec {pod}-{container} {shlex.join(probe['exec']['command'])}"
    if "httpGet" in probe:
        return f"inside curl -sf http://127.0.0.1:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
    # Any answer is a connection.
    return f"inside curl -s http://127.0.0.1:{ports[probe['tcpSocket']['port']]}/"


volumes = []
if arguments.here:
    # Podman has no `hostAliases` in the host's network.
    with open(f"{box}/hosts", "w", encoding="utf-8") as file:
        file.write(f"127.0.0.1 localhost {arguments.here}\n")
    volumes.append({"name": "hosts", "hostPath": {"path": f"{box}/hosts", "type": "File"}})
    for container in spec["initContainers"] + spec["containers"]:
        container["volumeMounts"].append({"name": "hosts", "mountPath": "/etc/hosts", "readOnly": True})
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
    yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod}, "spec": spec}, file)
