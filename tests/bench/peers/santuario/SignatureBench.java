/* Apache Santuario as a peer of tests/bench/signature.py: reads lines "FILE COUNT", answers each
 * with the seconds of this thread's processor time that COUNT verifications took (the compiler's
 * and the collector's threads are not counted). Each begins with the bytes of the document and of
 * the certificate whose key has to have signed it. */
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.signature.XMLSignature;
import org.apache.xml.security.utils.Constants;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

public class SignatureBench {
    private static boolean verify(DocumentBuilderFactory documents, CertificateFactory certificates,
                                  byte[] document, byte[] signer) throws Exception {
        Document tree = documents.newDocumentBuilder().parse(new ByteArrayInputStream(document));
        X509Certificate certificate =
            (X509Certificate) certificates.generateCertificate(new ByteArrayInputStream(signer));
        Element signature = (Element) tree.getElementsByTagNameNS(
            Constants.SignatureSpecNS, Constants._TAG_SIGNATURE).item(0);
        return new XMLSignature(signature, "", true).checkSignatureValue(certificate);
    }

    public static void main(String[] arguments) throws Exception {
        Init.init();
        byte[] signer = Files.readAllBytes(Path.of(arguments[0]));
        DocumentBuilderFactory documents = DocumentBuilderFactory.newInstance();
        documents.setNamespaceAware(true);
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split(" ");
            byte[] document = Files.readAllBytes(Path.of(words[0]));
            long begun = threads.getCurrentThreadCpuTime();
            for (int i = Integer.parseInt(words[1]); i > 0; i--)
                if (!verify(documents, certificates, document, signer))
                    throw new IllegalStateException("a good signature is refused");
            System.out.println((threads.getCurrentThreadCpuTime() - begun) / 1e9);
        }
    }
}
