"""What getting hosts clean costs: drafting for many networks, and the estimate of a whole botnet. There is no
peer that does it; the bounds are the design's: 20 s for 50,000 networks, 10 s for 1.6M addresses of 180 days, 1 GB."""
import os
import shutil
import subprocess

NETWORKS = int(os.environ.get("EBB_BENCH_NETWORKS", "50000"))
ADDRESSES = 30  # of each network, so 1.5M rows

HEAD = '"timestamp","protocol","src_ip","src_port","dst_ip","dst_port","infection","tag","http_url","http_host","http_agent"\n'


def network(i):
    return "%d.%d.%d" % (16 + (i >> 16), i >> 8 & 255, i & 255)


def write_world(work):
    """One infected day of each network, and an operator's table with a contact each."""
    feed, contacts = os.path.join(work, "networks.csv"), os.path.join(work, "contacts.csv")
    with open(feed, "w") as f:
        f.write(HEAD)
        for i in range(NETWORKS):
            for k in range(ADDRESSES):
                f.write('"2024-03-01 %02d:%02d:%02d","tcp","%s.%d",%d,"192.0.2.10",80,"testbot","testbot","/gate.php","c2.example.net",'
                        '"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"\n'
                        % (i % 24, k, i % 60, network(i), k + 1, 1024 + i % 60000))
    with open(contacts, "w") as f:
        f.write("match,contact,name\n")
        for i in range(NETWORKS):
            f.write("%s.0/24,abuse@isp-%d.example,ISP %d\n" % (network(i), i, i))
    return feed, contacts


def cleanup(work, ebb, timed, new_case):
    feed, contacts = write_world(work)
    case = new_case(work)
    config = os.path.join(case, "ebb.yaml")
    with open(config) as f:
        text = f.read()
    with open(config, "w") as f:
        f.write(text.replace('mail: ""', 'mail: "sinkhole@cert.example"'))
    subprocess.run([ebb, "--quiet", "-C", case, "import", feed], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ebb, "--quiet", "-C", case, "contacts", "import", "--source", "operator", contacts], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([ebb, "--quiet", "-C", case, "census", "--roles"], check=True, stdout=subprocess.DEVNULL)
    for form in ("csv", "xarf", "text"):
        drafts = os.path.join(work, "drafts")
        wall, cpu, megabytes, _ = timed([ebb, "--quiet", "-C", case, "cleanup", "draft", "--format", form, "--at", "2024-03-02",
                                         "--output", drafts])
        n = len(os.listdir(drafts))
        shutil.rmtree(drafts)
        print("%-44s %14.1f s   (%.1f s of CPU, %.0f MB, %d mails)" % ("draft %d networks, %s" % (NETWORKS, form), wall, cpu, megabytes, n),
              flush=True)


def estimate(work, ebb, sim, timed, new_case, scale):
    feed = os.path.join(work, "rustock.csv")
    subprocess.run([sim, "--quiet", "--scale", scale, "--feed", feed, "rustock"], check=True)
    case = new_case(work)
    subprocess.run([ebb, "--quiet", "-C", case, "import", feed], check=True, stdout=subprocess.DEVNULL)
    os.unlink(feed)
    for what in ([], ["--by", "asn"]):
        subprocess.run([ebb, "--quiet", "-C", case, "census", "--estimate"], check=True, stdout=subprocess.DEVNULL)  # makes its views
        wall, cpu, megabytes, _ = timed([ebb, "--quiet", "-C", case, "census", "--estimate", "--json"] + what)
        print("%-44s %14.1f s   (%.1f s of CPU, %.0f MB)" % ("estimate, rustock at %s %s" % (scale, " ".join(what)), wall, cpu, megabytes),
              flush=True)
